"""Measurements of a few fakes beside a few real images, cheap enough to be made now and then during training."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from gan_lightning.images import to_bytes
from gan_lightning.metrics.neighbours import exact_squared_distances
from gan_lightning.types import Images

SIDE = 16
"""Largest side in pixels of the pictures whose distances are taken, if there is no classifier for them."""
END = 0.999
"""Absolute value from which on a value counts as one at an end of [-1, 1]."""
TWIN = 0.1
"""Distance below which two fakes are twins, as a share of a real image's median distance to its nearest neighbour."""
LEAST_SHARE = 0.1
"""Share of a class among the fakes from which on it is covered, beside its share among the real images."""

Features = Callable[[Images], Float[Tensor, "N F"]]
"""Turns images into what their distances are taken of."""


class Specimens(NamedTuple):
    """Fakes and real images of the same kind."""

    fake: Images
    real: Images
    labels: Int[Tensor, " N"] | None
    """The classes of the real images."""


class Measured(NamedTuple):
    """The numbers of a :class:`~gan_lightning.health.observations.Look` that come from images."""

    variety: float
    duplicates: float
    classes: float
    told_apart: float
    saturated: float
    saturated_real: float
    distinct: int


def distinct(images: Images) -> int:
    """Number of different images among these."""
    comparable = to_bytes(images) if _is_picture(images) else images
    return len(torch.unique(comparable.flatten(1), dim=0))


def pixels(images: Images) -> Float[Tensor, "N F"]:
    """The pixels of small pictures, averaged down to a side of at most 16."""
    height, width = images.shape[-2:]
    return adaptive_avg_pool2d(images.float(), (min(height, SIDE), min(width, SIDE))).flatten(1)


@torch.no_grad()
def measure(specimens: Specimens, features: Features = pixels) -> Measured:
    """Compare fakes with real images.

    With fewer than two different real images nothing can be compared, and the numbers are those of a healthy run.

    Args:
        specimens: The images.
        features: Turns images into what their distances are taken of.
    """
    fake, real = (images.nan_to_num() for images in specimens[:2])
    saturated, saturated_real = (float((images.abs() >= END).float().mean()) for images in (fake, real))
    different = distinct(real)
    others = saturated, saturated_real, different
    if different < 2 or len(fake) < 2:
        return Measured(1.0, 0.0, 1.0, 0.5, *others)
    found = features(fake).double(), features(real).double()
    of_fakes, of_reals, between = (
        exact_squared_distances(found[i], found[j]).sqrt() for i, j in ((0, 0), (1, 1), (0, 1))
    )
    return Measured(
        float(_mean_of_pairs(of_fakes) / _mean_of_pairs(of_reals)),
        float((_to_nearest(of_fakes) < TWIN * _to_nearest(of_reals).median()).float().mean()),
        _covered(between, specimens.labels),
        _told_apart(of_fakes, of_reals, between),
        *others,
    )


def _is_picture(images: Images) -> bool:
    return images.shape[1] in (1, 3)  # and not points of the plane


def _mean_of_pairs(distances: Float[Tensor, "N N"]) -> Tensor:
    count = len(distances)
    return distances.sum() / (count * (count - 1))


def _without_itself(distances: Float[Tensor, "N N"]) -> Float[Tensor, "N N"]:
    return distances + torch.diag(distances.new_full((len(distances),), torch.inf))


def _to_nearest(distances: Float[Tensor, "N N"]) -> Float[Tensor, " N"]:
    return _without_itself(distances).amin(1)


def _covered(between: Float[Tensor, "N M"], labels: Int[Tensor, " M"] | None) -> float:
    """Share of the classes that the fakes cover, where a fake has the class of the nearest real image."""
    if labels is None or (labels < 0).any():
        return 1.0
    own = labels.to(between.device)
    reals = own.bincount().double() / len(own)
    fakes = own[between.argmin(1)].bincount(minlength=len(reals)).double() / len(between)
    there = reals > 0
    return float((fakes[there] >= LEAST_SHARE * reals[there]).double().mean())


def _told_apart(of_fakes: Tensor, of_reals: Tensor, between: Tensor) -> float:
    """Accuracy of the leave-one-out nearest neighbour, the mean of both sides."""
    fakes = _to_nearest(of_fakes) < between.amin(1)
    reals = _to_nearest(of_reals) < between.amin(0)
    return float((fakes.float().mean() + reals.float().mean()) / 2)
