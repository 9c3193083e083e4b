"""DiffAugment: differentiable changes of colour, translation and cutout, drawn anew for every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation
from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Images, Scalar


class DiffAugment(Augmentation):
    """Changes of colour, translation and cutout. Zhao et al. 2020, https://arxiv.org/abs/2006.10738.

    The defaults are the paper's. A strength of 0 turns its operation off.

    Args:
        brightness: The largest number that is added to an image or taken from it.
        saturation: The largest deviation from 1 of the factor by which colours move away from grey.
        contrast: The largest deviation from 1 of the factor by which values move away from the image's mean.
        translation: The largest shift, as a part of the image's side.
        cutout: The side of the hole, as a part of the image's side.
        probability: The probability with which each operation happens to each sample; 1 in the paper.

    Raises:
        UserError: If an argument is not from 0 to 1.
    """

    def __init__(
        self,
        *,
        brightness: float = 0.5,
        saturation: float = 1.0,
        contrast: float = 0.5,
        translation: float = 0.125,
        cutout: float = 0.5,
        probability: float = 1.0,
    ) -> None:
        super().__init__()
        self.brightness = brightness
        self.saturation = saturation
        self.contrast = contrast
        self.translation = translation
        self.cutout = cutout
        self.probability = probability
        for name in ("brightness", "saturation", "contrast", "translation", "cutout", "probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"DiffAugment's {name} is {getattr(self, name)}, but must be from 0 to 1.")

    def forward(self, images: Images, draw: Draw, probability: Scalar | None = None) -> Images:
        """The augmented images [B C H W]; if a ``probability`` is given, it replaces the augmentation's own."""
        threshold = self.probability if probability is None else probability
        for name, operation in OPERATIONS.items():
            if strength := getattr(self, name):
                changed = operation(images, strength, draw.named(name))
                chosen = draw.uniform(f"{name}, chosen", (len(images), 1, 1, 1)) < threshold
                images = torch.where(chosen, changed, images)
        return images


def brightness(images: Images, strength: float, draw: Draw) -> Images:
    """`x + s`, with `s ~ U[-strength, strength)` for each sample."""
    return images + _around(0.0, strength, images, draw)


def saturation(images: Images, strength: float, draw: Draw) -> Images:
    """`grey + s (x - grey)`: a pixel's distance from its own grey is scaled by `s ~ U[1 - strength, 1 + strength)`."""
    grey = images.mean(dim=1, keepdim=True)
    return grey + _around(1.0, strength, images, draw) * (images - grey)


def contrast(images: Images, strength: float, draw: Draw) -> Images:
    """`mean + s (x - mean)`: the distance from the image's mean is scaled by `s ~ U[1 - strength, 1 + strength)`."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + _around(1.0, strength, images, draw) * (images - mean)


def translation(images: Images, strength: float, draw: Draw) -> Images:
    """Images moved by up to `int(strength side + 0.5)` pixels along each axis; zeros (grey) fill the space behind."""
    for axis, name in ((2, "rows"), (3, "columns")):
        side = images.shape[axis]
        most = _pixels(strength, side)
        moved = draw.integers(name, 2 * most + 1, (len(images),)) - most
        # rolled around the edge and then blanked, because a permutation, unlike a clamped index, has a deterministic
        # backward pass
        source = torch.arange(side, device=images.device) + moved[:, None]
        shape = [len(images), 1, 1, 1]
        shape[axis] = side
        inside = ((source >= 0) & (source < side)).view(shape)
        images = images.gather(axis, (source % side).view(shape).expand_as(images)).where(inside, 0.0)
    return images


def cutout(images: Images, strength: float, draw: Draw) -> Images:
    """Images with a square hole of `int(strength side + 0.5)` pixels a side, filled with zeros (grey).

    The centre of the hole may lie anywhere in the image.
    """
    in_rows, in_columns = (
        _hole(images.shape[axis], strength, draw.integers(name, _centres(images.shape[axis], strength), (len(images),)))
        for axis, name in ((2, "rows"), (3, "columns"))
    )
    return images.masked_fill(in_rows[:, None, :, None] & in_columns[:, None, None, :], 0.0)


OPERATIONS: Mapping[str, Callable[[Images, float, Draw], Images]] = {
    "brightness": brightness,
    "saturation": saturation,
    "contrast": contrast,
    "translation": translation,
    "cutout": cutout,
}
"""The operations by name, in the order in which the paper's code applies them."""


def _around(centre: float, strength: float, images: Images, draw: Draw) -> Tensor:
    """Numbers [B 1 1 1] from U[centre - strength, centre + strength), one for each sample."""
    u = draw.uniform("amount", (len(images), 1, 1, 1)).to(images.dtype)
    return centre + strength * (2 * u - 1)


def _pixels(strength: float, side: int) -> int:
    """A part of a side in whole pixels; halves go up as in the paper's code, where round() goes to the even number."""
    return int(strength * side + 0.5)


def _centres(side: int, strength: float) -> int:
    """The number of places for the centre of a hole; an even hole has its centre between pixels, and one place more."""
    return side + (1 - _pixels(strength, side) % 2)


def _hole(side: int, strength: float, centre: Tensor) -> Tensor:
    """Whether each position along a side lies in the hole [B side]."""
    size = _pixels(strength, side)
    first = (centre - size // 2)[:, None]
    position = torch.arange(side, device=centre.device)
    return (position >= first) & (position < first + size)
