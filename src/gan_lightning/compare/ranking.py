"""How sure an order of recipes is, when each has been run with a few seeds.

The bootstrap over seeds (Efron 1979, Annals of Statistics 7(1); for few runs Agarwal et al. 2021, "Deep Reinforcement
Learning at the Edge of the Statistical Precipice"): draw the seeds of each recipe anew, with replacement and as many
as there are, and rank the means. How often a recipe comes first is its probability of being best.
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
"""One seed has no spread: nothing can be said of another."""

Means = npt.NDArray[np.float64]
"""[draws, recipes]"""


@dataclass(frozen=True)
class Standing:
    """Where a recipe stands among those with at least two seeds."""

    best: float
    """Probability of being the best of them."""
    ranks: tuple[int, int]
    """Between these it stands in 95% of the draws."""
    behind: float
    """Probability that the first of the table is better."""


def resampled_means(values: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = SEED) -> Means:
    """Means over seeds that are drawn anew, one row a draw.

    With n values, the variance of a resampled mean is (n-1)/n of what is expected of the mean of n, since the plain
    bootstrap takes the variance with divisor n (Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 5).
    For two seeds that is half. The deviations are stretched by sqrt(n/(n-1)) to make up for it.
    """
    random = np.random.default_rng(seed)
    columns = []
    for each in map(np.asarray, values):
        n, mean = len(each), each.mean()
        drawn = each[random.integers(n, size=(draws, n))].mean(axis=1)
        columns.append(mean + (drawn - mean) * np.sqrt(n / (n - 1)))
    return np.stack(columns, axis=1)


def standings(values: Sequence[Sequence[float]], better: Better) -> list[Standing]:
    """Of recipes with at least two seeds each; whose mean is the best one is the first.

    Recipes with equal means share the better rank, and the probability of being the best.
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
    """How often the mean of ``first`` is lower than that of each, equal ones counting half."""
    mine = means[:, first : first + 1]
    better: Means = ((mine < means) + 0.5 * (mine == means)).mean(axis=0)
    return better
