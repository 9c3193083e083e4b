"""The bootstrap over seeds against all of its draws written out, and against the normal distribution."""

from __future__ import annotations

import math
from itertools import product
from statistics import NormalDist, fmean

import numpy as np
import pytest

from gan_lightning.compare.ranking import DRAWS, probability_better, resampled_means, standings

FOUR_ERRORS = 4 * math.sqrt(0.25 / DRAWS)
"""Of a probability that is estimated from so many draws."""


def every_mean(values: list[float]) -> list[float]:
    """Of every way to draw the values anew, stretched around their mean."""
    n, mean = len(values), fmean(values)
    return [mean + (fmean(drawn) - mean) * math.sqrt(n / (n - 1)) for drawn in product(values, repeat=n)]


@pytest.mark.parametrize(
    "recipes",
    [
        [[0.0, 3.0], [1.0, 1.4]],
        [[1.0, 2.0, 4.0], [1.5, 2.5, 2.6]],
        [[1.0, 5.0], [2.0, 3.0, 4.0], [2.5, 2.7]],
    ],
)
def test_it_agrees_with_all_draws_written_out(recipes: list[list[float]]) -> None:
    draws = list(product(*map(every_mean, recipes)))
    first = min(range(len(recipes)), key=lambda i: fmean(recipes[i]))
    for i, standing in enumerate(standings(recipes, "lower")):
        best = fmean((draw[i] == min(draw)) / sum(each == min(draw) for each in draw) for draw in draws)
        behind = fmean((draw[first] < draw[i]) + 0.5 * (draw[first] == draw[i]) for draw in draws)
        assert standing.best == pytest.approx(best, abs=FOUR_ERRORS)
        assert standing.behind == pytest.approx(behind, abs=FOUR_ERRORS)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_variance_of_a_resampled_mean_is_that_of_a_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    means = resampled_means([list(values)], draws=200_000)[:, 0]
    assert means.var() == pytest.approx(values.var(ddof=1) / n, rel=0.02)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)


def test_with_many_seeds_it_is_the_normal_distribution() -> None:
    random = np.random.default_rng(0)
    recipes = [random.normal(mean, 1, size=400) for mean in (0.0, 0.1)]
    gap = recipes[1].mean() - recipes[0].mean()
    error = math.sqrt(sum(each.var(ddof=1) / len(each) for each in recipes))
    better = probability_better(resampled_means([list(each) for each in recipes]), 0)[1]
    assert better == pytest.approx(NormalDist().cdf(gap / error), abs=0.01)


def test_recipes_far_apart_have_sure_ranks() -> None:
    found = standings([[9.0, 9.1], [1.0, 1.1], [5.0, 5.1]], "lower")
    assert [each.best for each in found] == [0, 1, 0]
    assert [each.ranks for each in found] == [(3, 3), (1, 1), (2, 2)]
    assert [each.best for each in standings([[9.0, 9.1], [1.0, 1.1]], "higher")] == [1, 0]


def test_equal_recipes_share_the_first_rank() -> None:
    found = standings([[2.0, 2.0], [2.0, 2.0], [3.0, 3.0]], "lower")
    assert [each.best for each in found] == [0.5, 0.5, 0]
    assert [each.ranks for each in found] == [(1, 1), (1, 1), (3, 3)]
    assert [each.behind for each in found] == [0.5, 0.5, 1]


def test_the_same_numbers_give_the_same_confidence() -> None:
    recipes = [[1.0, 2.0, 3.0], [1.5, 2.0, 4.0]]
    assert standings(recipes, "lower") == standings(recipes, "lower")
