"""What a generator and a discriminator must offer, and how their depth follows from the resolution."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.types import Images, Labels, Latents, Verdict

MAX_FIRST_MAP = 7
UNCONDITIONAL = "none"
OWN = "own"


class Generator(nn.Module):
    """Turns latents, and labels where it is conditional, into images in [-1, 1]."""

    CONDITIONINGS: ClassVar[tuple[str, ...]] = (UNCONDITIONAL,)
    """The ways in which it can take labels."""
    OWN: ClassVar[str] = UNCONDITIONAL
    """The one of them that its paper uses: what conditioning "own" stands for."""

    latent_dim: int
    num_classes: int = 0
    """0: unconditional, its labels are ignored."""

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        raise NotImplementedError


class Discriminator(nn.Module):
    """Scores images: one logit per sample, 1 = real, never squashed by a sigmoid."""

    CONDITIONINGS: ClassVar[tuple[str, ...]] = (UNCONDITIONAL,)
    """The ways in which it can take labels."""

    num_classes: int = 0
    """0: unconditional, its labels are ignored."""

    def forward(self, x: Images, y: Labels | None = None) -> Tensor | Verdict:
        """Logits [B] of images [B C H W]; a network with a class head returns a :class:`Verdict`."""
        raise NotImplementedError


def conditioning_of(network: type[Generator | Discriminator], name: str) -> str:
    """The conditioning that ``name`` asks ``network`` for: itself, or what "own" stands for there.

    Raises:
        UserError: if the network does not take it; the message lists what it takes.
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
    """The number of classes that ``network`` is built for: ``num_classes`` of the data, 0 without conditioning.

    Raises:
        UserError: if the network does not take this conditioning, or the data have no labels for it.
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
    """The side of the first map and the number of doublings from there: 28 -> (7, 2), 32 -> (4, 3), 64 -> (4, 4).

    Raises:
        UserError: if no map of at most 7 x 7 doubles into the resolution.
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
