"""The endless stream of real images, in which a batch is a function of the iteration: no state has to be resumed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from typing import Generic, TypeAlias, TypeVar

import torch
from jaxtyping import Int64
from torch import Generator, Tensor

from gan_lightning.randomness import hashed_seed
from gan_lightning.types import Bytes, Images, Labels

Stored: TypeAlias = Bytes | Images
"""Samples as they are held in memory: images as bytes, points of the plane as floats."""
Batch: TypeAlias = tuple[Stored, Labels]
Indices: TypeAlias = Int64[Tensor, "N"]


def permutation(size: int, seed: int, epoch: int) -> Indices:
    """The order of the images in one epoch."""
    return torch.randperm(size, generator=Generator().manual_seed(hashed_seed(seed, epoch, "order")))


class EndlessOrder:
    """The permutations of epoch 0, epoch 1 and so on as one endless sequence, which can be read at any position."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._permutation = lru_cache(maxsize=2)(partial(permutation, size, seed))

    def between(self, start: int, stop: int) -> Indices:
        """The indices of the images at the positions ``start`` to ``stop`` - 1 of the sequence."""
        epochs = range(start // self.size, (stop - 1) // self.size + 1)
        parts = [self._permutation(e)[max(start - e * self.size, 0) : stop - e * self.size] for e in epochs]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


AnyBatch = TypeVar("AnyBatch", covariant=True)


@dataclass(frozen=True, kw_only=True)
class EndlessLoader(Generic[AnyBatch]):
    """A loader of the training batches of this process (rank), gathered from memory; every batch is full.

    Iteration i takes the positions `i n_critic B` to `(i+1) n_critic B - 1` of an order, laid out as
    [update, rank, sample]. A rank gets its slice of each update, which makes `n_critic B / world_size` images in all.
    Random numbers are drawn for the global batch. A subclass says what a :meth:`batch` is.

    Args:
        batch_size: Number B of images in one D update, over all ranks.
        n_critic: Number of D updates in an iteration.
        iterations_per_epoch: The length by which Lightning counts epochs; the stream itself never ends.
        first_iteration: Function that is called at the start of each pass and returns the iteration to start from, so
            that a resumed run goes on where it was.
        seed: Seed of what is drawn.
        flip: Whether every image is mirrored left to right with probability 1/2.
        rank: Number of this process.
        world_size: Number of processes.
        pin_memory: Whether batches are gathered into page-locked memory, from which copies to a GPU do not block.
    """

    batch_size: int
    n_critic: int
    iterations_per_epoch: int
    first_iteration: Callable[[], int]
    seed: int
    flip: bool = False
    rank: int = 0
    world_size: int = 1
    pin_memory: bool = False

    def __len__(self) -> int:
        """Number of iterations in an epoch."""
        return self.iterations_per_epoch

    def __iter__(self) -> Iterator[AnyBatch]:
        """The batches of the current iteration and of all that follow, without end."""
        return map(self.batch, count(self.first_iteration()))

    @abstractmethod
    def batch(self, iteration: int) -> AnyBatch:
        """The samples of this rank in one iteration."""

    @property
    def drawn(self) -> int:
        """Number of samples in one iteration, over all ranks."""
        return self.n_critic * self.batch_size

    def _index(self, order: EndlessOrder, iteration: int) -> Indices:
        """The indices of the samples that this rank takes from ``order`` in one iteration."""
        return self._share(order.between(iteration * self.drawn, (iteration + 1) * self.drawn))

    def _share(self, everyone: Tensor) -> Tensor:
        """This rank's part of values laid out [update, rank, sample]."""
        if self.world_size == 1:
            return everyone
        return everyone.view(self.n_critic, self.world_size, -1)[:, self.rank].reshape(-1)

    def _gather(self, source: Tensor, index: Tensor) -> Tensor:
        # index_select copies whole images: 15 times faster than source[index] on bytes
        if not self.pin_memory:
            return torch.index_select(source, 0, index)
        rows = torch.empty((len(index), *source.shape[1:]), dtype=source.dtype, pin_memory=True)
        return torch.index_select(source, 0, index, out=rows)


@dataclass(frozen=True, kw_only=True)
class StreamLoader(EndlessLoader[Batch]):
    """A loader of images and their labels.

    Args:
        images: The whole set [N, C, H, W].
        labels: The label of each image [N]; all are -1 if the data have none.
        order: The endless order of the N images.
    """

    images: Stored
    labels: Labels
    order: EndlessOrder

    def batch(self, iteration: int) -> Batch:
        """Images [n_critic·B / world_size, C, H, W] and labels of this rank in one iteration."""
        index = self._index(self.order, iteration)
        images = self._gather(self.images, index)
        if self.flip:
            generator = Generator().manual_seed(hashed_seed(self.seed, iteration, "flip"))
            mirrored = self._share(torch.rand(self.drawn, generator=generator) < 0.5)
            both = torch.cat([images, images.flip(-1)])  # choosing its rows is twice as fast as writing into images
            images = self._gather(both, torch.arange(len(index)) + len(index) * mirrored)
        return images, self._gather(self.labels, index)
