"""Mixtures of Gaussians in the plane, whose modes are known: what a loss does is seen in seconds.

A point (x, y) is an image of two channels and one pixel, [N 2 1 1], in the literature's own units and not in [-1, 1].
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from gan_lightning.data.stream import StreamDataModule, require_positive
from gan_lightning.errors import UserError
from gan_lightning.randomness import hashed_seed
from gan_lightning.types import Images, Labels


class PointSet(NamedTuple):
    """Points [N 2 1 1] and the mode that each was drawn from [N]."""

    images: Images
    labels: Labels
    class_names: tuple[str, ...]


class Mixture(StreamDataModule):
    """Round Gaussians of equal weight; a point's label is its mode. A subclass gives :attr:`centers`.

    Args:
        std: of each Gaussian, in both directions.
        num_points: to train on; Lin et al. 2018 take as many.
        points_seed: of the points themselves; the order of a run has its own ``seed``.
        batch_size: see :class:`StreamDataModule`, as for ``n_critic`` and ``seed``.
        n_critic: D updates of an iteration.
        seed: of the order.
        channels: a claim that is checked against the data, as are ``resolution`` and ``num_classes``; None claims
            nothing.
        resolution: 1.
        num_classes: the number of modes.
    """

    def __init__(
        self,
        *,
        std: float,
        num_points: int = 100_000,
        points_seed: int = 0,
        batch_size: int,
        n_critic: int = 1,
        seed: int = 0,
        channels: int | None = None,
        resolution: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(batch_size=batch_size, n_critic=n_critic, seed=seed)
        require_positive("num_points", num_points)
        if std <= 0:
            raise UserError(f"data.std must be more than 0, not {std}")
        self.std = std
        self.num_points = num_points
        self.points_seed = points_seed
        claims = {
            "channels": (channels, 2),
            "resolution": (resolution, 1),
            "num_classes": (num_classes, len(self.centers)),
        }
        for name, (claim, fact) in claims.items():
            if claim not in (None, fact):
                raise UserError(f"data.{name}={claim}, but these points have {fact}: leave it null")

    @property
    @abstractmethod
    def centers(self) -> Float[Tensor, "M 2"]:
        """The modes."""

    @cached_property
    def train_set(self) -> PointSet:
        """Point i belongs to mode i modulo M, so that all modes have the same share."""
        random = Generator().manual_seed(hashed_seed(self.points_seed, "points"))
        labels = torch.arange(self.num_points) % len(self.centers)
        points = self.centers[labels] + self.std * torch.randn(self.num_points, 2, generator=random)
        return PointSet(points[:, :, None, None], labels, tuple(map(str, range(len(self.centers)))))

    def description(self) -> str:
        """What there is to train on, in a few words."""
        return f"{self.num_points:,} points of {len(self.centers)} modes"


class Ring(Mixture):
    """Modes evenly spaced on a circle; 8 on radius 2 with std 0.02 are those of Metz et al. 2017.

    https://arxiv.org/abs/1611.02163, sec. 3.1. Lin et al. 2018 take the same at half the scale.

    Args:
        count: number of modes.
        radius: of the circle.
        mixture: see :class:`Mixture`.
    """

    def __init__(self, *, count: int = 8, radius: float = 2.0, std: float = 0.02, **mixture: Any) -> None:
        require_positive("count", count)
        if radius <= 0:
            raise UserError(f"data.radius must be more than 0, not {radius}")
        self.count = count
        self.radius = radius
        super().__init__(std=std, **mixture)

    @cached_property
    def centers(self) -> Float[Tensor, "M 2"]:
        """Counter-clockwise from (radius, 0)."""
        angles = torch.arange(self.count) * (2 * math.pi / self.count)
        return self.radius * torch.stack([angles.cos(), angles.sin()], dim=1)


class Grid(Mixture):
    """Modes on a square grid around 0; 5 a side at distance 2 with std 0.05 are those of Lin et al. 2018 (PacGAN).

    https://arxiv.org/abs/1712.04086, sec. 4.1.

    Args:
        side: number of modes in a row and in a column.
        spacing: distance between neighbours.
        mixture: see :class:`Mixture`.
    """

    def __init__(self, *, side: int = 5, spacing: float = 2.0, std: float = 0.05, **mixture: Any) -> None:
        require_positive("side", side)
        if spacing <= 0:
            raise UserError(f"data.spacing must be more than 0, not {spacing}")
        self.side = side
        self.spacing = spacing
        super().__init__(std=std, **mixture)

    @cached_property
    def centers(self) -> Float[Tensor, "M 2"]:
        """Row by row."""
        line = self.spacing * (torch.arange(self.side) - (self.side - 1) / 2)
        return torch.cartesian_prod(line, line)
