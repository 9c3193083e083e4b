"""The endless stream of real images: a batch is a function of the iteration, so there is no state to resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from typing import TypeAlias

import torch
from jaxtyping import Int64
from torch import Generator, Tensor

from gan_lightning.randomness import hashed_seed
from gan_lightning.types import Bytes, Images, Labels

Stored: TypeAlias = Bytes | Images
"""Samples as they lie in memory: pixels as bytes, points of the plane as floats."""
Batch: TypeAlias = tuple[Stored, Labels]
Indices: TypeAlias = Int64[Tensor, "N"]


def permutation(size: int, seed: int, epoch: int) -> Indices:
    """The order of the images in one epoch."""
    return torch.randperm(size, generator=Generator().manual_seed(hashed_seed(seed, epoch, "order")))


class EndlessOrder:
    """permutation(epoch 0), permutation(epoch 1), ... as one endless sequence without a gap, read at any position."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._permutation = lru_cache(maxsize=2)(partial(permutation, size, seed))

    def between(self, start: int, stop: int) -> Indices:
        """The indices of the images at the positions ``start`` to ``stop`` - 1 of the sequence."""
        epochs = range(start // self.size, (stop - 1) // self.size + 1)
        parts = [self._permutation(e)[max(start - e * self.size, 0) : stop - e * self.size] for e in epochs]
        return torch.cat(parts)


@dataclass(frozen=True, kw_only=True)
class StreamLoader:
    """Whole training batches of this rank, gathered from memory; every one is full.

    Iteration i takes the positions i·n_critic·B to (i+1)·n_critic·B - 1 of the order, laid out [update, rank, sample];
    a rank gets its slice of each update, n_critic·B / world_size images in all. Flips are drawn for the global batch.

    Args:
        images: the whole set [N, C, H, W].
        labels: [N]; all -1 where the data have none.
        order: the endless order over N images.
        batch_size: B, images of one D update over all ranks.
        n_critic: D updates of an iteration.
        iterations_per_epoch: the length that Lightning counts epochs by; the stream itself never ends.
        first_iteration: called at the start of each pass, so that a resumed run goes on where it was.
        seed: of the flips.
        flip: mirror every image left to right with probability 1/2.
        rank: of this process.
        world_size: number of processes.
        pin_memory: gather into page-locked memory, from which copies to a GPU don't block.
    """

    images: Stored
    labels: Labels
    order: EndlessOrder
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
        """Iterations of an epoch."""
        return self.iterations_per_epoch

    def __iter__(self) -> Iterator[Batch]:
        """The batches from the current iteration on, without end."""
        return map(self.batch, count(self.first_iteration()))

    def batch(self, iteration: int) -> Batch:
        """Images [n_critic·B / world_size, C, H, W] and labels of one iteration."""
        draw = self.n_critic * self.batch_size
        index = self._share(self.order.between(iteration * draw, (iteration + 1) * draw))
        images = self._gather(self.images, index)
        if self.flip:
            generator = Generator().manual_seed(hashed_seed(self.seed, iteration, "flip"))
            mirrored = self._share(torch.rand(draw, generator=generator) < 0.5)
            both = torch.cat([images, images.flip(-1)])  # choosing rows of it is twice as fast as writing into images
            images = self._gather(both, torch.arange(len(index)) + len(index) * mirrored)
        return images, self._gather(self.labels, index)

    def _share(self, everyone: Tensor) -> Tensor:
        """This rank's part of values laid out [update, rank, sample]."""
        return everyone.view(self.n_critic, self.world_size, -1)[:, self.rank].reshape(-1)

    def _gather(self, source: Tensor, index: Tensor) -> Tensor:
        # index_select copies whole images: 15 times faster than source[index] on bytes
        rows = torch.empty((len(index), *source.shape[1:]), dtype=source.dtype, pin_memory=self.pin_memory)
        return torch.index_select(source, 0, index, out=rows)
