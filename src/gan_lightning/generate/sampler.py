"""Draws the images of seeds and classes from a trained generator, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor

from gan_lightning.errors import UserError
from gan_lightning.generate.seeds_and_classes import SEED_LIMIT, Wanted
from gan_lightning.images import finite, to_bytes
from gan_lightning.randomness import hashed_seed
from gan_lightning.runs.loading import Trained
from gan_lightning.types import Bytes, Latents

STYLES = 10_000
"""Number of styles whose mean truncation leads towards."""


@runtime_checkable
class Styled(Protocol):
    """A generator that maps latents to styles and styles to images, as StyleGAN2 does."""

    def styles(self, z: Latents, y: Tensor | None = None) -> Tensor:
        """Styles [B S] of latents [B Z]."""
        ...

    def synthesis(self, style: Tensor) -> Tensor:
        """Images [B C H W] of styles [B S]."""
        ...


@dataclass(frozen=True)
class SeedDraw:
    """Random numbers that follow from the seeds of images (implements :class:`gan_lightning.types.Draw`).

    Row ``i`` comes from a random generator of its own on the CPU and depends on ``seeds[i]`` alone, not on the other
    rows, the size of the batch or the device. The seed is added to a hash of the purpose and not hashed with it, so
    that two seeds never give the same numbers.
    """

    seeds: tuple[int, ...]
    key: tuple[str, ...] = ("generate",)

    def named(self, name: str) -> SeedDraw:
        """A separate stream of random numbers for the same seeds."""
        return SeedDraw(self.seeds, (*self.key, name))

    def normal(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers."""
        return torch.stack([torch.randn(shape[1:], generator=each) for each in self._generators(purpose, shape)])

    def uniform(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Numbers from U[0, 1)."""
        return torch.stack([torch.rand(shape[1:], generator=each) for each in self._generators(purpose, shape)])

    def integers(self, purpose: str, high: int, shape: tuple[int, ...]) -> Tensor:
        """Integers from 0 to ``high`` - 1, int64."""
        each_one = self._generators(purpose, shape)
        return torch.stack([torch.randint(high, shape[1:], generator=each) for each in each_one])

    def offset(self, purpose: str) -> int:
        """The number that is added to a seed for this purpose."""
        return hashed_seed(*self.key, purpose)

    def _generators(self, purpose: str, shape: tuple[int, ...]) -> Iterator[Generator]:
        assert shape[0] == len(self.seeds), f"{len(self.seeds)} seeds for {shape[0]} rows"
        offset = self.offset(purpose)
        for seed in self.seeds:
            yield Generator().manual_seed((offset + seed) % SEED_LIMIT)


@dataclass(frozen=True)
class Sampler:
    """Draws images from a trained generator.

    Args:
        trained: The generator, already on ``device``, and its prior.
        device: The generator's device.
        batch_size: Number of images in a batch; another one changes a pixel by at most one grey level.
        truncation: Limit of the absolute value of each element of ``z``, or None for the prior of training.
        truncation_w: ``ψ`` of the truncation of styles (StyleGAN2), or None for no truncation of styles.
    """

    trained: Trained
    device: torch.device
    batch_size: int = 64
    truncation: float | None = None
    truncation_w: float | None = None

    def try_out(self) -> None:
        """Draw one image, so that errors appear before anything is written.

        Raises:
            UserError: If the generator's output is not an image, or if its prior or its styles can't be truncated.
        """
        label = self.labels([0])[0]
        self.images(self.latents([0]), None if label is None else torch.tensor([label]))

    def latents(self, seeds: Sequence[int]) -> Latents:
        """Latents [B Z] of the seeds, on the CPU.

        Raises:
            UserError: If truncation was asked for and the prior can't be truncated.
        """
        z = self.trained.draws()(SeedDraw(tuple(seeds)), len(seeds), self.trained.latent_dim)
        if self.truncation is None:
            return z
        truncate = getattr(self.trained.prior, "truncate", None)
        if truncate is None:
            raise UserError(f"truncation: {type(self.trained.prior).__name__} has no method truncate(z, limit).")
        truncated: Latents = truncate(z, self.truncation)
        return truncated

    def labels(self, seeds: Sequence[int]) -> list[int | None]:
        """A class for each seed, drawn with equal probabilities, or None for each if the generator takes no labels."""
        if not (classes := self.trained.num_classes):
            return [None] * len(seeds)
        drawn: list[int | None] = SeedDraw(tuple(seeds)).integers("class", classes, (len(seeds),)).tolist()
        return drawn

    def draw(self, wanted: Sequence[Wanted]) -> Iterator[Bytes]:
        """The images of seeds and classes, in batches [<= batch_size, C, H, W], on the CPU."""
        for start in range(0, len(wanted), self.batch_size):
            batch = wanted[start : start + self.batch_size]
            classes = [each.label for each in batch if each.label is not None]
            yield self.images(self.latents([each.seed for each in batch]), torch.tensor(classes) if classes else None)

    def decode(self, z: Latents, y: Tensor | None = None) -> Bytes:
        """The images, on the CPU, of any number of latents [N Z] with labels [N] or weights of classes [N K]."""
        batches = torch.split(z, self.batch_size)
        labels = torch.split(y, self.batch_size) if y is not None else [None] * len(batches)
        return torch.cat([self.images(*batch) for batch in zip(batches, labels, strict=True)])

    def images(self, z: Latents, y: Tensor | None = None) -> Bytes:
        """The images of one batch, on the CPU.

        Raises:
            UserError: If the generator's output is not an image, or if it is not finite because training diverged.
        """
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)  # TF32 is off by more than a grey level
        with torch.inference_mode(), exact:
            images = self._network(z.to(self.device), None if y is None else y.to(self.device))
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise UserError(f"This generator draws {list(images.shape[1:])} and no images of 1 or 3 channels.")
        return to_bytes(finite(images)).cpu()

    def _network(self, z: Latents, y: Tensor | None) -> Tensor:
        generator = self.trained.generator
        if self.truncation_w is None:
            images: Tensor = generator(z, y)
            return images
        if not isinstance(generator, Styled):
            raise UserError(f"truncation_w: {type(generator).__name__} has no styles; truncation= limits its latents.")
        return generator.synthesis(self._mean_style.lerp(generator.styles(z, y), self.truncation_w))

    @cached_property
    def _mean_style(self) -> Tensor:
        """The mean style over latents and labels drawn for this purpose, as many as in StyleGAN2's code."""
        generator, seeds = self.trained.generator, range(STYLES)
        assert isinstance(generator, Styled)
        z = self.trained.draws()(SeedDraw(tuple(seeds), ("mean style",)), STYLES, self.trained.latent_dim)
        labels = self.labels(seeds)
        y = None if None in labels else torch.tensor(labels, device=self.device)
        return generator.styles(z.to(self.device), y).mean(0, keepdim=True)
