"""The base classes of all generators and discriminators, and how their depth follows from the resolution."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.images import Resolution, height_and_width
from gan_lightning.types import Images, Labels, Latents, Verdict

ImagesIn: TypeAlias = Float[Tensor, "B C_in H W"]
ImagesOut: TypeAlias = Float[Tensor, "B C_out H W"]

MAX_FIRST_MAP = 7
UNCONDITIONAL = "none"
OWN = "own"


class Generator(nn.Module):
    """A network that turns latents, and labels if it is conditional, into images in [-1, 1].

    Args:
        channels: Number of channels of the images.
        resolution: Side of the square images in pixels.
        num_classes: Number of classes of the data; 0 if they have no labels.
        conditioning: The way in which the network takes labels, one of ``CONDITIONINGS`` or "own".
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = (UNCONDITIONAL,)
    """The ways in which the network can take labels."""
    OWN: ClassVar[str] = UNCONDITIONAL
    """The conditioning that the network's paper uses, which is what the conditioning "own" stands for."""

    latent_dim: int
    num_classes: int = 0
    """Number of classes; 0 if the network is unconditional and ignores labels."""

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        raise NotImplementedError


class Translator(nn.Module):
    """A network that turns images of one domain into images in [-1, 1] of another, of the same height and width.

    It is convolutional throughout and takes images of any size that divides by :attr:`multiple_of`.
    """

    in_channels: int
    """Channels of the images that it is given."""
    out_channels: int
    """Channels of the images that it makes."""
    multiple_of: int
    """Number of pixels of which the height and the width of its images must be multiples."""

    def forward(self, x: ImagesIn) -> ImagesOut:
        """Images [B C_out H W] of images [B C_in H W]."""
        raise NotImplementedError


class Discriminator(nn.Module):
    """A network that scores images by one logit per sample, or a map of them with one per patch.

    The higher a logit, the more likely the image is real. It is never squashed by a sigmoid, because that is
    the loss's part.

    Args:
        channels: Number of channels of the images.
        resolution: Side of the square images in pixels.
        num_classes: Number of classes of the data; 0 if they have no labels.
        conditioning: The way in which the network takes labels, one of ``CONDITIONINGS``.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = (UNCONDITIONAL,)
    """The ways in which the network can take labels."""

    num_classes: int = 0
    """Number of classes; 0 if the network is unconditional and ignores labels."""

    def forward(self, x: Images, y: Labels | None = None) -> Tensor | Verdict:
        """Logits [B], or maps of them [B 1 h w], of images [B C H W]; with a class head a :class:`Verdict`."""
        raise NotImplementedError


def conditioning_of(network: type[Generator | Discriminator], name: str) -> str:
    """The conditioning that ``name`` stands for in ``network``: "own" becomes the one of the network's paper.

    Raises:
        UserError: If the network does not take this conditioning; the message lists those that it takes.
    """
    known = {taken: taken for taken in network.CONDITIONINGS}
    advice = ""
    if issubclass(network, Generator):
        known |= {OWN: network.OWN}
        advice = f" conditioning=projection gives it its own, {network.OWN}." * (network.OWN != UNCONDITIONAL)
    if name not in known:
        *others, last = network.CONDITIONINGS
        taken = f"{', '.join(others)} or {last}" if others else last
        raise UserError(f"{network.__name__} takes conditioning {taken}, not {name!r}.{advice}")
    return known[name]


def classes_for(network: type[Generator | Discriminator], conditioning: str, num_classes: int) -> int:
    """The number of classes that ``network`` is built for: that of the data, or 0 if it is unconditional.

    Raises:
        UserError: If the network does not take this conditioning, or the data have no labels for it.
    """
    if conditioning_of(network, conditioning) == UNCONDITIONAL:
        return 0
    if num_classes < 1:
        raise UserError(
            f"{network.__name__} with conditioning {conditioning!r} needs labels, and the data have none. "
            "Use conditioning=none."
        )
    return num_classes


def doublings(resolution: int) -> tuple[int, int]:
    """The side of the smallest map and the number of doublings from there to ``resolution``.

    For example, 28 pixels give (7, 2), 32 pixels (4, 3) and 64 pixels (4, 4).

    Raises:
        UserError: If doubling a map of at most 7 x 7 pixels never leads to the resolution.
    """
    first_map, count = resolution, 0
    while first_map % 2 == 0 and first_map > 4:
        first_map, count = first_map // 2, count + 1
    if first_map > MAX_FIRST_MAP or resolution < 8:
        raise UserError(
            f"The resolution {resolution} is not supported by this network: it must be at least 8 and 3, 4, 5 or 7 "
            "times a power of two, such as 28, 32, 48, 64, 96 or 128. Set data.resolution, or choose model=mlp."
        )
    return first_map, count


def sides_of_maps(resolution: int, odd_maps: bool) -> list[int]:
    """The sides of a network's maps, from the smallest to ``resolution``, each about twice the one before.

    Args:
        resolution: Side of the images in pixels.
        odd_maps: Whether maps of an odd side are halved too, rounding up, until at most 4 pixels are left: 28 pixels
            give 4, 7, 14, 28. Otherwise the sides are those of :func:`doublings`: 7, 14, 28.

    Raises:
        UserError: If no such sides lead to the resolution.
    """
    if not odd_maps:
        first_map, count = doublings(resolution)
        return [first_map * 2**i for i in range(count + 1)]
    if resolution < 8:
        raise UserError(f"The resolution {resolution} is not supported by this network: it must be at least 8.")
    sides = [resolution]
    while sides[0] > 4:
        sides.insert(0, -(-sides[0] // 2))
    return sides


def require_multiple(resolution: Resolution, multiple: int, least: int) -> tuple[int, int]:
    """Height and width, both of which are multiples of ``multiple`` and at least ``least``.

    Raises:
        UserError: If one of them is not; the message names the nearest sizes that are.
    """
    sides = height_and_width(resolution)
    for side in sides:
        if side % multiple or side < least:
            smallest = -(-least // multiple) * multiple
            below = max(side // multiple * multiple, smallest)
            nearest = " or ".join(str(size) for size in sorted({below, max(-(-side // multiple) * multiple, smallest)}))
            rule = f"a multiple of {multiple} and at least {smallest} pixels" if multiple > 1 else f"at least {least}"
            raise UserError(
                f"Images of {sides[0]} x {sides[1]} pixels don't fit this network: height and width must be {rule}. "
                f"Set data.resolution; in place of {side} take {nearest}."
            )
    return sides
