"""DiffAugment: colours, translation and cutout, differentiable and drawn anew for every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation
from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Images, Scalar


class DiffAugment(Augmentation):
    """Colour, translation and cutout. Zhao et al. 2020, https://arxiv.org/abs/2006.10738.

    Each operation happens to each sample with ``probability``, which is 1 in the paper. Strengths, each 0 for not at
    all; the defaults are the paper's: ``brightness``, ``saturation`` and ``contrast`` are the largest change of what is
    added or multiplied, ``translation`` and ``cutout`` parts of the side.
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
        """Images [B C H W]; a ``probability`` that is given stands in for its own."""
        threshold = self.probability if probability is None else probability
        for name, operation in OPERATIONS.items():
            if strength := getattr(self, name):
                changed = operation(images, strength, draw.named(name))
                chosen = draw.uniform(f"{name}, chosen", (len(images), 1, 1, 1)) < threshold
                images = torch.where(chosen, changed, images)
        return images


def brightness(images: Images, strength: float, draw: Draw) -> Images:
    """X + s, s ~ U[-strength, strength) for each sample."""
    return images + _around(0.0, strength, images, draw)


def saturation(images: Images, strength: float, draw: Draw) -> Images:
    """Colours further from or closer to the pixel's own grey, by s ~ U[1 - strength, 1 + strength)."""
    grey = images.mean(dim=1, keepdim=True)
    return grey + _around(1.0, strength, images, draw) * (images - grey)


def contrast(images: Images, strength: float, draw: Draw) -> Images:
    """Values further from or closer to the image's mean, by s ~ U[1 - strength, 1 + strength)."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + _around(1.0, strength, images, draw) * (images - mean)


def translation(images: Images, strength: float, draw: Draw) -> Images:
    """Moved by up to round(strength * side) pixels along either side; zeros (grey) come in from beyond the border."""
    for axis, name in ((2, "rows"), (3, "columns")):
        side = images.shape[axis]
        most = round(strength * side)
        moved = draw.integers(name, 2 * most + 1, (len(images),)) - most
        # around the edge and then blanked: a permutation, unlike a clamped index, has a deterministic backward pass
        source = torch.arange(side, device=images.device) + moved[:, None]
        shape = [len(images), 1, 1, 1]
        shape[axis] = side
        inside = ((source >= 0) & (source < side)).view(shape)
        images = images.gather(axis, (source % side).view(shape).expand_as(images)).where(inside, 0.0)
    return images


def cutout(images: Images, strength: float, draw: Draw) -> Images:
    """A hole of round(strength * side) pixels a side, filled with zeros; its centre may lie anywhere in the image."""
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
"""In the order of the paper's code."""


def _around(centre: float, strength: float, images: Images, draw: Draw) -> Tensor:
    """From U[centre - strength, centre + strength), one number for each sample: [B 1 1 1]."""
    u = draw.uniform("amount", (len(images), 1, 1, 1)).to(images.dtype)
    return centre + strength * (2 * u - 1)


def _centres(side: int, strength: float) -> int:
    """Where a hole's centre may lie; one place more where an even hole has its centre between two pixels."""
    return side + (1 - round(strength * side) % 2)


def _hole(side: int, strength: float, centre: Tensor) -> Tensor:
    """Which positions along a side lie in the hole: [B side]."""
    size = round(strength * side)
    first = (centre - size // 2)[:, None]
    position = torch.arange(side, device=centre.device)
    return (position >= first) & (position < first + size)
