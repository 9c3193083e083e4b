"""Priors: ranges and moments."""

from __future__ import annotations

from math import erf, exp, pi, sqrt

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.priors import Normal, TruncatedNormal, Uniform
from gan_lightning.randomness import UpdateDraw


def draw(rank: int = 0, world_size: int = 1) -> UpdateDraw:
    return UpdateDraw((2, 0, "D0"), rank, world_size, torch.device("cpu"))


def variance_within(limit: float) -> float:
    """Of N(0, 1) between -limit and limit."""
    return 1 - 2 * limit * exp(-(limit**2) / 2) / sqrt(2 * pi) / erf(limit / sqrt(2))


@pytest.mark.parametrize(
    ("prior", "variance", "largest"),
    [
        (Normal(), 1.0, 6.0),
        (Uniform(), 1 / 3, 1.0),
        (TruncatedNormal(2.0), variance_within(2.0), 2.0),
        (TruncatedNormal(0.5), variance_within(0.5), 0.5),
        (TruncatedNormal(20.0), 1.0, 6.0),
    ],
    ids=repr,
)
def test_moments(prior: Normal | Uniform | TruncatedNormal, variance: float, largest: float) -> None:
    z = prior(draw(), 1000, 64)
    assert z.shape == (1000, 64)
    assert float(z.mean()) == pytest.approx(0.0, abs=0.02)
    assert float(z.var()) == pytest.approx(variance, rel=0.02)
    assert float(z.abs().max()) <= largest
    halves = [prior(draw(rank, 2), 500, 64) for rank in range(2)]
    assert torch.equal(torch.cat(halves), z)


def test_a_truncation_needs_room() -> None:
    with pytest.raises(UserError, match="limit is 0"):
        TruncatedNormal(0.0)
