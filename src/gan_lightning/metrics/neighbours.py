"""Nearest neighbours in feature space, in float64 and such that rounding decides nothing.

One matrix product gives all distances at once, but it rounds each of them in its own way. That matters at ties: the
distance from a sample to a copy of its neighbour must equal the distance to the neighbour, or a generator that repeats
its training images is judged by chance. Code that compares distances with a border therefore first settles those that
are too close to it: they are computed again, pair by pair, from the differences of the two samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

TABLE = 2**22  # numbers at a time, 32 MB, because all distances between 10,000 and 50,000 samples would take 4 GB
MANY = 1 / 32  # the share of pairs from which on it is quicker to compute the distances of all pairs by differences


class Neighbours(NamedTuple):
    """Distance and index of the nearest candidate, for each of N samples."""

    distances: Float64[Tensor, " N"]
    indices: Int[Tensor, " N"]


@dataclass
class Rows:
    """Consecutive rows of the table of the squared distances between N samples and M others."""

    place: slice
    """Place of these rows among all N."""
    x: Float64[Tensor, "n F"]
    """The samples of these rows."""
    y: Float64[Tensor, "M F"]
    """The samples of all columns."""
    distances: Float64[Tensor, "n M"]
    """Squared distances `|x - y|²`, each off by at most ``rounding`` until it is settled."""
    rounding: Float64[Tensor, "n 1"]

    def settle(self, border: Float64[Tensor, "#n #M"]) -> None:
        """Compute those distances exactly that rounding could have put on the other side of ``border``.

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
    """Squared distances `|x - y|²` from differences, with the same bits for a pair in any order and at any place."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()


def squared_distances(x: Float[Tensor, "N F"], y: Float[Tensor, "M F"]) -> Iterator[Rows]:
    """Squared distances `|x - y|²` of all pairs, some rows at a time.

    They are computed as `|x|² + |y|² - 2 x·y` about the mean of y, by one matrix product in float64, whose rounding is
    1e-12 of the spread at the very most. In float32, which is torch.cdist's default, rounding swallows the distances of
    close neighbours. A distance of 0 may come out below 0.
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
    """The nearest candidate for each row of ``x``, or the first of them if several are equally near."""
    distances, indices = [], []
    for rows in squared_distances(x, candidates):
        rows.settle(rows.distances.amin(1, keepdim=True))
        least = rows.distances.min(1)
        distances.append(least.values.sqrt())
        indices.append(least.indices)
    return Neighbours(torch.cat(distances), torch.cat(indices))
