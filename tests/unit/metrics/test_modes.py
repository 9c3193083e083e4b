"""Modes covered and the share of high-quality samples, by hand and in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from gan_lightning.data.sets.toy import Grid, Ring
from gan_lightning.metrics import mode_coverage

CORNERS = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def test_by_hand() -> None:
    """Two samples at one mode, one just inside three standard deviations of another, one just outside a third."""
    points = torch.tensor([[1.0, 1.0], [1.01, 1.0], [1.0, -1.0 - 0.2999], [-1.0 - 0.3001, 1.0], [0.0, 0.0]])
    covered, share = mode_coverage(points, CORNERS, std=0.1)
    assert int(covered) == 2
    assert float(share) == pytest.approx(3 / 5)


def test_the_nearest_mode_alone_counts() -> None:
    """Where the discs of two modes overlap, a sample belongs to one of them."""
    centers = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    assert mode_coverage(torch.tensor([[0.4, 0.0]]), centers, std=1.0).covered == 1
    assert mode_coverage(torch.tensor([[0.4, 0.0], [0.6, 0.0]]), centers, std=1.0).covered == 2


def test_nothing_found() -> None:
    covered, share = mode_coverage(torch.full((7, 2), 50.0), CORNERS, std=0.1)
    assert (int(covered), float(share)) == (0, 0.0)


def test_what_is_not_a_number_is_of_no_quality() -> None:
    covered, share = mode_coverage(torch.tensor([[math.nan, 0.0], [math.inf, 0.0], [1.0, 1.0]]), CORNERS, std=0.1)
    assert (int(covered), float(share)) == (1, pytest.approx(1 / 3))


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.0])
def test_the_mixture_itself(radius: float) -> None:
    """The squared radius of a 2-D Gaussian is exponential: P(r <= k std) = 1 - exp(-k^2 / 2)."""
    for data, modes in ((Ring(batch_size=1), 8), (Grid(batch_size=1), 25)):
        covered, share = mode_coverage(data.train_set.images.flatten(1), data.centers, data.std, radius)
        assert int(covered) == modes
        assert float(share) == pytest.approx(1 - math.exp(-(radius**2) / 2), abs=4 * 0.5 / math.sqrt(100_000))


def test_small_distances_far_from_the_origin_survive() -> None:
    """|x|^2 + |y|^2 - 2 x·y, the quick way to all distances, is off by more than a whole radius here."""
    centers = torch.tensor([[1000.0, 1000.0], [-1000.0, -1000.0]])
    points = centers[0] + torch.tensor([[0.0625, 0.0]]).repeat(100, 1)
    assert mode_coverage(points, centers, std=0.0625 / 2.9).high_quality_share == 1.0
    assert mode_coverage(points, centers, std=0.0625 / 3.1).high_quality_share == 0.0
