"""Interpolations between seeds, and between classes, as images of a sampler."""

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
    """Frames from seed to seed along great circles, with one row for each class.

    ``labels`` is ``[None]`` if the generator takes no labels.
    """
    _require_two("seeds", seeds)
    start, end, t = stations(len(seeds), steps, loop)
    keys = sampler.latents(seeds)
    z = slerp(keys[start], keys[end], t)
    return torch.stack([sampler.decode(z, None if y is None else torch.full((len(z),), y)) for y in labels])


def between_classes(sampler: Sampler, seeds: Sequence[int], labels: Sequence[int], steps: int, loop: bool) -> Tiles:
    """Frames from class to class with the same latents, with one row for each seed.

    A label between the classes ``a`` and ``b`` is ``(1 - t) onehot(a) + t onehot(b)``. The embedding of such a label,
    or its gain in a conditional norm, is the same mixture of the embeddings or gains of the two classes.

    Raises:
        UserError: If there are fewer than two classes, or if the network accepts only whole classes.
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
    """Check that the network can mix classes: it must draw the same image for a class and for its one-hot vector.

    Raises:
        UserError: If it does not.
    """
    whole = sampler.decode(z.expand(len(labels), -1), torch.tensor(labels))
    try:
        one_hot = sampler.decode(z.expand(len(labels), -1), torch.eye(sampler.trained.num_classes)[list(labels)])
        alike = _largest_difference(whole, one_hot) <= 1
    except Exception:  # a network may raise any error for labels of another type and shape
        alike = False
    if not alike:
        raise UserError(
            f"{type(sampler.trained.generator).__name__} takes whole classes only: there is nothing between two. "
            f"classes={list(labels)} without interpolate= shows them side by side."
        )


def _largest_difference(a: Tensor, b: Tensor) -> int:
    return int((a.int() - b.int()).abs().max())
