"""Interpolations of a sampler's images: between seeds, and between classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.generate.films import Tiles
from gan_lightning.generate.interpolation import lerp, slerp, stations
from gan_lightning.generate.sampler import Sampler
from gan_lightning.types import Latents


def between_seeds(
    sampler: Sampler, seeds: Sequence[int], labels: Sequence[int | None], steps: int, loop: bool
) -> Tiles:
    """From seed to seed along great circles, a row for each class; ``labels`` is [None] without classes."""
    _require_two("seeds", seeds)
    start, end, t = stations(len(seeds), steps, loop)
    keys = sampler.latents(seeds)
    z = slerp(keys[start], keys[end], t)
    return torch.stack([sampler.decode(z, None if y is None else torch.full((len(z),), y)) for y in labels])


def between_classes(sampler: Sampler, seeds: Sequence[int], labels: Sequence[int], steps: int, loop: bool) -> Tiles:
    """From class to class with the latents kept, a row for each seed.

    Between the classes a and b stand labels that are (1 - t) times a's one-hot vector and t times b's: the embedding
    of such a label, or its gain in a conditional norm, is the same mixture of theirs.

    Raises:
        UserError: There are fewer than two classes, or the network takes none but whole ones.
    """
    _require_two("classes", labels)
    start, end, t = stations(len(labels), steps, loop)
    keys = torch.eye(sampler.trained.num_classes)[list(labels)]
    mixtures = lerp(keys[start], keys[end], t)
    latents = sampler.latents(seeds)
    _require_mixing(sampler, latents[:1], labels)
    return torch.stack([sampler.decode(z.expand(len(mixtures), -1), mixtures) for z in latents])


def _require_two(name: str, keys: Sequence[object]) -> None:
    if len(keys) < 2:
        raise UserError(f"interpolate={name} needs two at least: {name}=[1,2].")


def _require_mixing(sampler: Sampler, z: Latents, labels: Sequence[int]) -> None:
    """A network that mixes classes draws a class and its one-hot vector alike."""
    whole = sampler.decode(z.expand(len(labels), -1), torch.tensor(labels))
    try:
        one_hot = sampler.decode(z.expand(len(labels), -1), torch.eye(sampler.trained.num_classes)[list(labels)])
        alike = _largest_difference(whole, one_hot) <= 1
    except Exception:  # whatever the network raises on labels of another type and shape
        alike = False
    if not alike:
        raise UserError(
            f"{type(sampler.trained.generator).__name__} takes whole classes only: there is nothing between two. "
            f"classes={list(labels)} without interpolate= shows them side by side."
        )


def _largest_difference(a: Tensor, b: Tensor) -> int:
    return int((a.int() - b.int()).abs().max())
