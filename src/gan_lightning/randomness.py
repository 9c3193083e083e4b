"""Every random number is a pure function of (seed, iteration, update, purpose[, rank]).

There is no state to save: a resumed run, a run on two devices and an uninterrupted run on one draw the same numbers.
Seeds are hashed to 32 bits, because torch's CPU generator uses no more of them (seeds 5 and 5 + 2**32 would coincide).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Generator, Tensor


def hashed_seed(*parts: int | str) -> int:
    """A 32-bit seed made from integers and words, which is the same on every machine and in every process."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


def seed_default_generators(seed: int, device: torch.device) -> None:
    """Seed the generators that dropout draws from: the CPU's and, if this rank has a GPU, that of its own GPU."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":  # not torch.cuda.manual_seed_all: the other devices belong to other ranks
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


@dataclass(slots=True)  # not frozen, because making a frozen one takes three times as long
class UpdateDraw:
    """The random numbers of one update (implements :class:`gan_lightning.types.Draw`).

    Numbers are drawn for the global batch and cut to this rank's rows, so they do not depend on the number of devices.

    Args:
        key: Seed, iteration and update, of which the numbers are a function together with their purpose.
        rank: Number of this process.
        world_size: Number of processes.
        device: The device on which the numbers are drawn.
    """

    key: tuple[int | str, ...]
    rank: int
    world_size: int
    device: torch.device

    def named(self, name: str) -> UpdateDraw:
        """A stream of random numbers for one part of the update, so that two parts may use the same purpose."""
        return UpdateDraw((*self.key, name), self.rank, self.world_size, self.device)

    def part(self, number: int, count: int) -> UpdateDraw:
        """The numbers for one of ``count`` equal parts of this process's rows, as if each part had its own process."""
        return UpdateDraw(self.key, self.rank * count + number, self.world_size * count, self.device)

    def normal(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers of the local ``shape``."""
        return self._share(torch.randn(self._everyone(shape), generator=self._seeded(purpose), device=self.device))

    def uniform(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Numbers from U[0, 1) of the local ``shape``."""
        return self._share(torch.rand(self._everyone(shape), generator=self._seeded(purpose), device=self.device))

    def integers(self, purpose: str, high: int, shape: tuple[int, ...]) -> Tensor:
        """Integers (int64) from 0 to ``high`` - 1 of the local ``shape``."""
        shape = self._everyone(shape)
        return self._share(torch.randint(high, shape, generator=self._seeded(purpose), device=self.device))

    def _seeded(self, purpose: str) -> Generator:
        return _generator(self.device).manual_seed(hashed_seed(*self.key, purpose))

    def _everyone(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape over all processes."""
        return shape if self.world_size == 1 else (shape[0] * self.world_size, *shape[1:])

    def _share(self, everyone: Tensor) -> Tensor:
        """The rows of this process."""
        return everyone if self.world_size == 1 else everyone.chunk(self.world_size)[self.rank]


@lru_cache
def _generator(device: torch.device) -> Generator:
    """The one generator of a device, which is seeded before each draw: making one costs more than a small draw."""
    return Generator(device)
