"""Nearest neighbours in feature space, exact: all distances in float64, a few rows of the table at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

TABLE = 2**22  # distances at a time, 32 MB: all 10,000 x 50,000 would take 4 GB


class Neighbours(NamedTuple):
    """The nearest of some candidates, for each of N samples."""

    distances: Float64[Tensor, " N"]
    indices: Int[Tensor, " N"]


def squared_distances(
    x: Float[Tensor, "N F"], y: Float[Tensor, "M F"]
) -> Iterator[tuple[slice, Float64[Tensor, "n M"]]]:
    """‖x - y‖² of all pairs, as consecutive rows of the table and their place in it.

    |x|² + |y|² - 2 x·y as one matrix product, about the mean of y: in float64, so that its rounding is 1e-15 of the
    spread (in float32 it swallows the distances of close neighbours, and torch.cdist takes that way by default). Equal
    ``x`` and ``x'`` give equal rows, bit for bit, and a distance of 0 may come out as -1e-15 of the spread.
    """
    centre = y.double().mean(0)
    x, y = x.double() - centre, y.double() - centre
    left = torch.cat([x, x.new_ones(len(x), 1), x.square().sum(1, keepdim=True)], 1)
    right = torch.cat([-2 * y, y.square().sum(1, keepdim=True), y.new_ones(len(y), 1)], 1).T
    rows = max(1, TABLE // len(y))
    for start in range(0, len(x), rows):
        place = slice(start, min(start + rows, len(x)))
        yield place, left[place] @ right


def nearest_others(x: Float[Tensor, "N F"], k: int) -> Float64[Tensor, "N k"]:
    """The squared distances of each sample to its ``k`` nearest other samples, the nearest first."""
    found = []
    for rows, distances in squared_distances(x, x):
        itself = torch.arange(rows.start, rows.stop, device=x.device)
        distances[itself - rows.start, itself] = torch.inf
        found.append(distances.topk(k, largest=False).values)
    return torch.cat(found)


def nearest(x: Float[Tensor, "N F"], candidates: Float[Tensor, "M F"]) -> Neighbours:
    """For each of ``x`` the nearest candidate; the first of them where several are."""
    indices = torch.cat([distances.argmin(1) for _, distances in squared_distances(x, candidates)])
    return Neighbours((x.double() - candidates[indices].double()).norm(dim=1), indices)
