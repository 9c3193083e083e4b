"""Priors: ranges and moments."""

from __future__ import annotations

from math import erf, exp, pi, sqrt

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.games.priors import Normal, TruncatedNormal, Uniform
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


@pytest.mark.parametrize("prior", [Normal(), Uniform(), TruncatedNormal(1.5)], ids=repr)
@pytest.mark.parametrize("limit", [0.1, 0.7, 1.2])
def test_truncated_latents_are_those_within_the_limit(prior: Normal | Uniform | TruncatedNormal, limit: float) -> None:
    """In distribution the same as throwing away what is beyond the limit (Brock et al. 2019, sec. 3.1)."""
    z = prior(draw(), 1000, 200).flatten()
    kept = z[z.abs() <= limit].sort().values
    truncated = prior.truncate(z[None], limit).flatten()
    assert float(truncated.abs().max()) <= limit
    assert float(truncated[z.argsort()].diff().min()) >= 0  # they keep their order
    at = torch.linspace(0.02, 0.98, 25)
    torch.testing.assert_close(truncated.sort().values.quantile(at), kept.quantile(at), atol=0.04 * limit, rtol=0)


def test_a_limit_beyond_the_prior_changes_nothing() -> None:
    z = Normal()(draw(), 1000, 64)
    torch.testing.assert_close(Normal().truncate(z, 20.0), z, atol=1e-5, rtol=0)
    z = Uniform()(draw(), 10, 64)
    assert torch.equal(Uniform().truncate(z, 3.0), z)
    z = TruncatedNormal(0.5)(draw(), 10, 64)
    torch.testing.assert_close(TruncatedNormal(0.5).truncate(z, 3.0), z, atol=1e-6, rtol=0)


def test_a_known_quantile() -> None:
    """The point with a quarter of N(0, 1) above it, 0.67449, moves to that of N(0, 1) within 1: erf^-1 by hand."""
    quarter = torch.tensor([[0.6744898]])
    within = 2 * 0.3413447  # P(|z| <= 1) = 0.6826895
    expected = sqrt(2) * float(torch.erfinv(torch.tensor(0.5 * within, dtype=torch.float64)))
    assert float(Normal().truncate(quarter, 1.0)) == pytest.approx(expected, abs=1e-6)
