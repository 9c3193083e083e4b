"""Standard errors against those that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.metrics import Bootstrap, FrechetDistance, InceptionScore, Metric, Sample


@dataclass(frozen=True)
class Mean(Metric):
    """The mean of the fakes' one feature, and the share of positive ones."""

    better: ClassVar = {"mean": "higher"}

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"mean": float(fake.features.mean()), "positive": float((fake.features > 0).double().mean())}


@pytest.mark.parametrize("replacement", [True, False])
def test_the_error_of_a_mean(replacement: bool) -> None:
    """σ / √n; the spread of 200 resamples is known to 1 / √400 of itself."""
    fake = Sample(2 * torch.randn(500, 1, dtype=torch.float64))
    numbers = Bootstrap(Mean(), resamples=200, replacement=replacement)(fake, fake)
    assert numbers == {"mean_error": pytest.approx(float(fake.features.std()) / 500**0.5, rel=0.15)}


def test_the_error_of_fid() -> None:
    """As large as FID's spread over generators' fresh samples."""
    real = Sample(torch.randn(2000, 4))
    fresh = [Sample(torch.randn(400, 4) + 0.5) for _ in range(40)]
    spread = float(torch.tensor([FrechetDistance()(real, sample)["fid"] for sample in fresh]).std())
    for replacement in (True, False):
        error = Bootstrap(FrechetDistance(), resamples=40, replacement=replacement)(real, fresh[0])["fid_error"]
        assert error == pytest.approx(spread, rel=0.5)


def test_the_seed_chooses() -> None:
    sample = Sample(torch.randn(50, 1))
    first, same, other = (Bootstrap(Mean(), seed=seed)(sample, sample)["mean_error"] for seed in (1, 1, 2))
    assert first == same != other


def test_what_it_needs() -> None:
    assert Bootstrap(InceptionScore(splits=10)).least_samples(3) == 10
    assert Bootstrap(InceptionScore(splits=10), replacement=False).least_samples(3) == 20
    with pytest.raises(UserError, match="resamples"):
        Bootstrap(Mean(), resamples=1)
