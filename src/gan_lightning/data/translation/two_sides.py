"""The images of two domains, held as bytes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lightning.data.image_set import resize, with_channels
from gan_lightning.errors import UserError


@dataclass(frozen=True)
class Side:
    """Images of one domain, uint8 [N, C, H, W], and their labels, int64 [N], or None if the data have none."""

    images: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image."""
        return self.images.shape[2], self.images.shape[3]

    @property
    def channels(self) -> int:
        """Number of channels of an image."""
        return self.images.shape[1]

    def converted(self, channels: int | None, size: tuple[int, int] | None) -> Side:
        """The same images with this number of channels and this height and width; None keeps what they have."""
        images = self.images if channels is None else with_channels(self.images, channels)
        return Side(images if size is None else resize(images, size), self.labels)


@dataclass(frozen=True)
class TwoSides:
    """Images of domain a and of domain b. In a set of pairs, image i of a belongs to image i of b.

    Args:
        a: The images that are to be translated.
        b: The images into which they are to be translated.
        class_names: Names of the classes by label, the same for both sides; empty if there are no labels.
    """

    a: Side
    b: Side
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what the author of a data set can get wrong.

        Raises:
            UserError: If a side has no images, or images that are not bytes, or labels that don't fit.
        """
        for name, side in (("a", self.a), ("b", self.b)):
            images, labels = side.images, side.labels
            if images.dtype != torch.uint8 or images.dim() != 4:
                raise UserError(
                    f"images of domain {name} must be uint8 of shape [N, channels, height, width], "
                    f"not {images.dtype} of shape {list(images.shape)}"
                )
            if len(images) == 0:
                raise UserError(f"domain {name} has no images")
            if (labels is None) != (not self.class_names):
                raise UserError(f"domain {name} must have both labels and class names, or neither")
            if labels is not None and (labels.shape != (len(images),) or labels.dtype != torch.int64):
                raise UserError(f"{len(images)} images of domain {name} need as many int64 labels")

    @property
    def images(self) -> Tensor:
        """The images of domain b, because a generator is to make images of this domain."""
        return self.b.images

    @property
    def labels(self) -> Tensor | None:
        """The labels of domain b."""
        return self.b.labels

    def swapped(self) -> TwoSides:
        """The same images with the two domains exchanged."""
        return TwoSides(self.b, self.a, self.class_names)
