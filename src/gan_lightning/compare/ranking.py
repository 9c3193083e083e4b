"""How sure the ranking of recipes is if each has been run with a few seeds.

This is the bootstrap over seeds (Efron 1979, Annals of Statistics 7(1); for few runs Agarwal et al. 2021, "Deep
Reinforcement Learning at the Edge of the Statistical Precipice"): draw the seeds of each recipe anew, with replacement
and as many as there are, and rank the means. The share of draws in which a recipe comes first is its probability of
being best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gan_lightning.compare.curves import Better

DRAWS = 20_000
SEED = 0
LEAST_SEEDS = 2
"""Seeds that a recipe needs to be ranked: one seed alone has no spread and says nothing about others."""

Means = npt.NDArray[np.float64]
"""Resampled means, [draws, recipes]."""


@dataclass(frozen=True)
class Standing:
    """The standing of one recipe among all that have at least two seeds."""

    best: float
    """Probability that this recipe is the best of them."""
    ranks: tuple[int, int]
    """Lowest and highest rank of the recipe in 95% of the draws."""
    behind: float
    """Probability that the recipe with the best mean is better than this one."""


def resampled_means(values: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = SEED) -> Means:
    """The mean of each recipe over seeds that are drawn anew, with one row for each draw.

    With ``n`` values, the variance of a resampled mean is ``(n-1)/n`` times that of the mean of ``n``, because the
    plain bootstrap takes the variance with divisor ``n`` (Efron & Tibshirani 1993, An Introduction to the Bootstrap,
    chapter 5). For two seeds that is half, so the deviations are stretched by ``sqrt(n/(n-1))``.
    """
    random = np.random.default_rng(seed)
    columns = []
    for each in map(np.asarray, values):
        n, mean = len(each), each.mean()
        drawn = each[random.integers(n, size=(draws, n))].mean(axis=1)
        columns.append(mean + (drawn - mean) * np.sqrt(n / (n - 1)))
    return np.stack(columns, axis=1)


def standings(values: Sequence[Sequence[float]], better: Better) -> list[Standing]:
    """The standing of each recipe, given its values over at least two seeds.

    "The first" is the recipe with the best mean. Recipes whose means are equal in a draw share the better rank, and
    share the probability of being the best.
    """
    sign = 1.0 if better == "lower" else -1.0
    means = sign * resampled_means(values)
    is_best = means == means.min(axis=1, keepdims=True)
    best = (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0)
    ranks = np.stack([1 + (means < mine[:, None]).sum(axis=1) for mine in means.T], axis=1)
    low, high = np.percentile(ranks, (2.5, 97.5), axis=0, method="nearest").astype(int)
    first = int(np.argmin([sign * np.mean(each) for each in values]))
    behind = probability_better(means, first)
    intervals = zip(low.tolist(), high.tolist(), strict=True)
    return [Standing(*each) for each in zip(best.tolist(), intervals, behind.tolist(), strict=True)]


def probability_better(means: Means, first: int) -> Means:
    """The share of draws in which the mean of ``first`` is lower than that of each recipe; equal means count half."""
    mine = means[:, first : first + 1]
    better: Means = ((mine < means) + 0.5 * (mine == means)).mean(axis=0)
    return better
