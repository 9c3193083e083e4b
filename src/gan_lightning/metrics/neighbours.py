"""Nearest neighbours in feature space, in float64; what rounding could decide is decided by exact differences.

One matrix product gives all distances at once, but it rounds each of them in its own way. That matters at ties: the
distance from a sample to a copy of its neighbour must equal the distance to the neighbour, or a generator that repeats
its training images is judged by chance. So whoever compares distances with a border first settles those that are
too close to it: they are computed again, pair by pair, from the differences of the two samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

TABLE = 2**22  # numbers at a time, 32 MB: all distances of 10,000 to 50,000 samples would take 4 GB
MANY = 1 / 32  # the share of pairs from which on it is quicker to compute the distances of all pairs by differences


class Neighbours(NamedTuple):
    """The nearest of some candidates, for each of N samples."""

    distances: Float64[Tensor, " N"]
    indices: Int[Tensor, " N"]


@dataclass
class Rows:
    """Consecutive rows of the table of the squared distances between N samples and M others."""

    place: slice
    """Which of the N rows these are."""
    x: Float64[Tensor, "n F"]
    """The samples of these rows."""
    y: Float64[Tensor, "M F"]
    """The samples of all columns."""
    distances: Float64[Tensor, "n M"]
    """`|x - y|²`, each off by at most `rounding` until it is settled."""
    rounding: Float64[Tensor, "n 1"]

    def settle(self, border: Float64[Tensor, "#n #M"]) -> None:
        """Make the distances exact that are so close to ``border`` that rounding could put them on its other side.

        ``border`` may itself be a distance that is off by ``rounding``.
        """
        reach = 2 * self.rounding
        close = (self.distances >= border - reach).logical_and_(self.distances <= border + reach)
        count = int(close.count_nonzero())
        if count > MANY * close.numel():
            self.distances = torch.where(close, exact_squared_distances(self.x, self.y), self.distances)
        elif count:
            self.distances[close] = self.exact(close.nonzero())

    def exact(self, pairs: Int[Tensor, "P 2"]) -> Float64[Tensor, " P"]:
        """The exact squared distances of some pairs, given as row and column of each."""
        parts = torch.split(pairs, max(1, TABLE // self.x.shape[1]))
        x_and_y = ((self.x[part[:, 0], None], self.y[part[:, 1], None]) for part in parts)
        return torch.cat([exact_squared_distances(x, y).flatten() for x, y in x_and_y])


def exact_squared_distances(x: Float64[Tensor, "*P n F"], y: Float64[Tensor, "*P m F"]) -> Float64[Tensor, "*P n m"]:
    """`|x - y|²` from differences: the same bits for the same pair, whichever of the two is `x` and wherever it is."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()


def squared_distances(x: Float[Tensor, "N F"], y: Float[Tensor, "M F"]) -> Iterator[Rows]:
    """`|x - y|²` of all pairs, some rows at a time.

    `|x|² + |y|² - 2 x·y` as one matrix product, about the mean of y: in float64, so that its rounding is 1e-12 of the
    spread at the very most (in float32 it swallows the distances of close neighbours, and torch.cdist takes that way by
    default). A distance of 0 may come out below 0.
    """
    x, y = x.double(), y.double()
    centre = y.mean(0)
    about_x, about_y = x - centre, y - centre
    norms_x, norms_y = (about.square().sum(1, keepdim=True) for about in (about_x, about_y))
    left = torch.cat([about_x, torch.ones_like(norms_x), norms_x], 1)
    right = torch.cat([-2 * about_y, norms_y, torch.ones_like(norms_y)], 1).T
    # a sum of n products is off by at most n eps / 2 of the sum of their sizes, here 2 (|x|² + |y|²); the norms, which
    # are such sums themselves, and the centring add less than as much again
    rounding = 2 * (x.shape[1] + 8) * torch.finfo(torch.float64).eps * (norms_x + norms_y.max())
    count = max(1, TABLE // len(y))
    for start in range(0, len(x), count):
        place = slice(start, min(start + count, len(x)))
        yield Rows(place, x[place], y, left[place] @ right, rounding[place])


def nearest_others(x: Float[Tensor, "N F"], k: int) -> Float64[Tensor, "N k"]:
    """The exact squared distances of each sample to its ``k`` nearest other samples, the nearest first."""
    found = []
    for rows in squared_distances(x, x):
        count = len(rows.x)
        itself = torch.arange(count, device=x.device)
        rows.distances[itself, itself + rows.place.start] = torch.inf
        least = rows.distances.topk(k + 1, largest=False)
        farthest, next_one = least.values[:, k - 1 : k], least.values[:, k:]
        if (next_one <= farthest + 2 * rows.rounding).any():
            rows.settle(farthest)
            least = rows.distances.topk(k, largest=False)
        pairs = torch.stack([itself.repeat_interleave(k), least.indices[:, :k].flatten()], 1)
        found.append(rows.exact(pairs).view(count, k).sort(1).values)
    return torch.cat(found)


def nearest(x: Float[Tensor, "N F"], candidates: Float[Tensor, "M F"]) -> Neighbours:
    """For each of ``x`` the nearest candidate; the first of them where several are."""
    distances, indices = [], []
    for rows in squared_distances(x, candidates):
        rows.settle(rows.distances.amin(1, keepdim=True))
        least = rows.distances.min(1)
        distances.append(least.values.sqrt())
        indices.append(least.indices)
    return Neighbours(torch.cat(distances), torch.cat(indices))
