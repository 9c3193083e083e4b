"""A set of images held as bytes, with or without labels, and the changes that are made to it once before training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from gan_lightning.data.class_names import class_number, listed
from gan_lightning.errors import UserError
from gan_lightning.images import Resolution, height_and_width
from gan_lightning.types import Bytes

CHUNK = 1024  # images converted at a time, because floats of a whole set would need 4 to 16 times its memory


@dataclass(frozen=True)
class ImageSet:
    """A set of square images.

    Args:
        images: The images, uint8 [N, C, H, H].
        labels: The label of each image as an index of ``class_names``, int64 [N]; None if there are no classes.
        class_names: The name of each class; empty if there are no labels.
    """

    images: Tensor
    labels: Tensor | None
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check what the author of a data set can get wrong.

        Raises:
            UserError: If images and labels do not fit together, or the images are not square or not bytes.
        """
        if self.images.dtype != torch.uint8 or self.images.dim() != 4:
            raise UserError(
                "images must be uint8 of shape [N, channels, height, width], "
                f"not {self.images.dtype} of shape {list(self.images.shape)}"
            )
        count, _, height, width = self.images.shape
        if count == 0:
            raise UserError("the data set has no images")
        if height != width:
            raise UserError(f"images must be square, and these are {height} x {width} pixels: crop or pad them first")
        if (self.labels is None) != (len(self.class_names) == 0):
            raise UserError("a data set has both labels and class names, or neither")
        if self.labels is not None:
            if self.labels.shape != (count,) or self.labels.dtype != torch.int64:
                raise UserError(
                    f"{count} images need int64 labels of shape [{count}], "
                    f"not {self.labels.dtype} of shape {list(self.labels.shape)}"
                )
            low, high = int(self.labels.min()), int(self.labels.max())
            if low < 0 or high >= len(self.class_names):
                raise UserError(f"labels go from {low} to {high}, but there are {len(self.class_names)} class names")


def keep_classes(data: ImageSet, classes: Sequence[int | str]) -> ImageSet:
    """The images of some classes, which are renumbered from 0 in the order given.

    Args:
        data: The images to choose from.
        classes: Names of the classes to keep, or their numbers (:func:`~gan_lightning.data.class_names.class_number`).

    Raises:
        UserError: If a class is unknown or named twice, or the data have no labels.
    """
    names = data.class_names
    kept = class_indices(names, classes)
    assert data.labels is not None, "a set with class names has labels"
    renumbered = torch.full((len(names),), -1)
    renumbered[kept] = torch.arange(len(kept))
    labels = renumbered[data.labels]
    chosen = labels >= 0
    return ImageSet(data.images[chosen], labels[chosen], tuple(names[i] for i in kept))


def class_indices(names: Sequence[str], classes: Sequence[int | str]) -> list[int]:
    """The indices in ``names`` of ``classes``, which are given as names or numbers.

    Raises:
        UserError: If a class is unknown or named twice, or there are no classes to choose from.
    """
    if not names:
        raise UserError("data.classes chooses classes, but this data set has no labels")
    kept = []
    for each in classes:
        if (number := class_number(each, names)) is None:
            raise UserError(f"data.classes has {each!r}, which is no class of this data set; it has {listed(names)}")
        kept.append(number)
    if len(set(kept)) < len(kept):
        raise UserError(f"data.classes names a class twice: {list(classes)}")
    return kept


def resize(images: Bytes, resolution: Resolution) -> UInt8[Tensor, "B C H2 W2"]:
    """Images resized to a square or to (height, width) by a bicubic filter, antialiased if they shrink.

    The filter is that of Pillow, but values are rounded and clamped to bytes only once, at the end, while Pillow also
    does so between the pass over rows and the one over columns. On the digits of MNIST, enlarged to 64 pixels, the two
    differ by 0.12 of 255 on average and by up to 26 at edges, where the filter overshoots.

    Raises:
        UserError: If the machine has not the memory for images of this size.
    """
    size = height_and_width(resolution)
    if images.shape[2:] == size:
        return images
    needed, there = images.shape[0] * images.shape[1] * size[0] * size[1], _memory()
    if needed > there:
        raise UserError(
            f"data.resolution={resolution}: {len(images):,} images of this size take {needed / 2**30:,.0f} GiB, and "
            f"this machine has {there / 2**30:,.0f}. Choose a smaller one."
        )

    def resized(chunk: Tensor) -> Tensor:
        return interpolate(chunk.float(), size, mode="bicubic", antialias=True, align_corners=False)

    return _in_chunks(resized, images)


def _memory() -> int:
    """Bytes of memory of this machine; a very large number where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63


def with_channels(images: Bytes, channels: int) -> UInt8[Tensor, "B {channels} H W"]:
    """Images with this number of channels: luma of colour images, or grey images repeated three times.

    Luma is `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601).

    Raises:
        UserError: If there is no rule that leads from the images' own number of channels to this one.
    """
    own = images.shape[1]
    if own == channels:
        return images
    if (own, channels) == (1, 3):
        return images.repeat(1, 3, 1, 1)
    if (own, channels) == (3, 1):
        weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        return _in_chunks(lambda chunk: (chunk * weights).sum(1, keepdim=True), images)
    raise UserError(f"data.channels={channels} can't be made of images with {own}: it can be null, 1 or 3")


def _in_chunks(convert: Callable[[Tensor], Tensor], images: Bytes) -> UInt8[Tensor, "B C2 H2 W2"]:
    """Images converted by a function that returns floats, rounded to bytes without a float copy of the whole set."""
    return torch.cat([convert(chunk).round_().clamp_(0, 255).to(torch.uint8) for chunk in torch.split(images, CHUNK)])
