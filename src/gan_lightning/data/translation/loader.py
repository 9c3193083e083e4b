"""Endless batches of two domains, whose images and crops follow from the seed and the iteration alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from gan_lightning.data.loader import EndlessLoader, EndlessOrder, Indices, Stored
from gan_lightning.randomness import hashed_seed
from gan_lightning.types import Labels


class TranslationBatch(NamedTuple):
    """Images of domain a and of domain b. In a batch of pairs, image i of a belongs to image i of b.

    Labels are -1 if the data have none.
    """

    a: Stored
    b: Stored
    labels_a: Labels
    labels_b: Labels


@dataclass(frozen=True)
class SideStream:
    """The images of one domain, with their order and the name of the random numbers of their crops and flips.

    Two streams with the same order and the same ``views`` show the same parts of images with the same indices, which is
    what makes them streams of pairs.

    Args:
        images: All images of the domain [N, C, H, W].
        labels: The label of each image [N]; all are -1 if the data have none.
        order: The endless order over N images.
        views: Name of the random numbers from which crops and flips are drawn.
    """

    images: Tensor
    labels: Tensor
    order: EndlessOrder
    views: str


class Views(NamedTuple):
    """The part of each image that is shown: its first row and column, and whether it is mirrored."""

    top: Indices
    left: Indices
    mirrored: Tensor


@dataclass(frozen=True, kw_only=True)
class TwoSidedLoader(EndlessLoader[TranslationBatch]):
    """A loader of batches of both domains, each of which is a stream as in :class:`EndlessLoader`.

    Args:
        a: The stream of domain a.
        b: The stream of domain b.
        size: Height and width of the images in a batch. Larger images are cropped at a random place.
    """

    a: SideStream
    b: SideStream
    size: tuple[int, int]

    def batch(self, iteration: int) -> TranslationBatch:
        """Images [n_critic · B / world_size, C, H, W] and labels of each domain for one iteration."""
        (a, labels_a), (b, labels_b) = (self._side(side, iteration) for side in (self.a, self.b))
        return TranslationBatch(a, b, labels_a, labels_b)

    def views(self, side: SideStream, iteration: int) -> Views:
        """The parts of images that this rank shows in one iteration, as its share of what is drawn for all ranks."""
        generator = Generator().manual_seed(hashed_seed(self.seed, iteration, "views", side.views))
        spare = [own - shown for own, shown in zip(side.images.shape[2:], self.size, strict=True)]
        top, left = (torch.randint(pixels + 1, (self.drawn,), generator=generator) for pixels in spare)
        mirrored = torch.rand(self.drawn, generator=generator) < (0.5 if self.flip else 0.0)
        return Views(*(self._share(each) for each in (top, left, mirrored)))

    def _side(self, side: SideStream, iteration: int) -> tuple[Stored, Labels]:
        index = self._index(side.order, iteration)
        labels = self._gather(side.labels, index)
        if not self.flip and side.images.shape[2:] == self.size:
            return self._gather(side.images, index), labels
        return self._seen(side.images, index, self.views(side, iteration)), labels

    def _seen(self, source: Tensor, index: Indices, views: Views) -> Tensor:
        """The parts of images that are shown, which are copied out of ``source`` only once."""
        height, width = self.size
        shape = (len(index), source.shape[1], height, width)
        seen = torch.empty(shape, dtype=source.dtype, pin_memory=self.pin_memory)
        places = zip(seen, index.tolist(), *(view.tolist() for view in views), strict=True)
        for target, i, top, left, mirrored in places:
            part = source[i, :, top : top + height, left : left + width]
            target.copy_(part.flip(-1) if mirrored else part)
        return seen
