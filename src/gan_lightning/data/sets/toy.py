"""Mixtures of Gaussians in the plane: toy data whose modes are known, on which a loss shows its character in seconds.

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
    """A set of points [N 2 1 1], whose labels [N] say which mode each one was drawn from."""

    images: Images
    labels: Labels
    class_names: tuple[str, ...]


class Mixture(StreamDataModule):
    """A mixture of round Gaussians of equal weight, whose centres a subclass gives; a point's label is its mode.

    Args:
        std: Standard deviation of each Gaussian, in both directions.
        num_points: Number of training points; the default is that of Lin et al. 2018.
        points_seed: Seed of the points themselves; the order in which a run sees them has its own ``seed``.
        batch_size: Number of points in one D update, over all processes.
        n_critic: Number of D updates in an iteration.
        seed: Seed of the order.
        channels: Number of channels that the data are expected to have, which is checked: 2, or None to expect nothing.
        resolution: The expected resolution, 1, in the same way.
        num_classes: The expected number of classes, which is the number of modes, in the same way.

    Raises:
        UserError: If a number is out of its range, or the data are not as expected.
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
        """The centres of the Gaussians (modes)."""

    @cached_property
    def train_set(self) -> PointSet:
        """The points; point i belongs to mode i modulo M, so that all modes have the same share."""
        random = Generator().manual_seed(hashed_seed(self.points_seed, "points"))
        labels = torch.arange(self.num_points) % len(self.centers)
        points = self.centers[labels] + self.std * torch.randn(self.num_points, 2, generator=random)
        return PointSet(points[:, :, None, None], labels, tuple(map(str, range(len(self.centers)))))

    def description(self) -> str:
        """A few words on the data, for the line that a run prints at its start."""
        return f"{self.num_points:,} points of {len(self.centers)} modes"


class Ring(Mixture):
    """Modes that are evenly spaced on a circle.

    The defaults are those of Metz et al. 2017, https://arxiv.org/abs/1611.02163, sec. 3.1. Lin et al. 2018 take the
    same ring at half the scale.

    Args:
        count: Number of modes.
        radius: Radius of the circle.
        std: Standard deviation of each mode.
        mixture: The other arguments of :class:`Mixture`.

    Raises:
        UserError: If a number is out of its range.
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
        """The centres, counter-clockwise from (radius, 0)."""
        angles = torch.arange(self.count) * (2 * math.pi / self.count)
        return self.radius * torch.stack([angles.cos(), angles.sin()], dim=1)


class Grid(Mixture):
    """Modes on a square grid around the origin.

    The defaults are those of Lin et al. 2018 (PacGAN), https://arxiv.org/abs/1712.04086, sec. 4.1.

    Args:
        side: Number of modes in a row and in a column.
        spacing: Distance between neighbours.
        std: Standard deviation of each mode.
        mixture: The other arguments of :class:`Mixture`.

    Raises:
        UserError: If a number is out of its range.
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
        """The centres, row by row."""
        line = self.spacing * (torch.arange(self.side) - (self.side - 1) / 2)
        return torch.cartesian_prod(line, line)
