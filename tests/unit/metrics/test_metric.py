"""The contract: what a sample is, and what every metric promises."""

from __future__ import annotations

import math

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.metrics import (
    Bootstrap,
    ClassCoverage,
    ClassHistogram,
    FrechetDistance,
    FrechetDistanceAtInfinity,
    InceptionScore,
    KernelDistance,
    Metric,
    PrecisionRecall,
    Sample,
)

METRICS = [
    FrechetDistance(),
    FrechetDistanceAtInfinity(points=3),
    KernelDistance(subsets=3, subset_size=20),
    InceptionScore(),
    PrecisionRecall(),
    ClassCoverage(),
    ClassHistogram(),
    Bootstrap(FrechetDistance(), resamples=2),
]


def sample(count: int, dtype: torch.dtype = torch.float32, offset: float = 0.0, seed: int = 0) -> Sample:
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 5, generator=random) + offset
    return Sample(features.to(dtype), (3 * features - 3 * offset).softmax(1).to(dtype))


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_every_metric(metric: Metric) -> None:
    """Finite floats by names, what is monitored among them; the same each time, and of float32 as of float64."""
    real, fake = sample(100), sample(90, seed=1)
    numbers = metric(real, fake)
    assert numbers
    assert set(metric.better) <= set(numbers)
    assert all(isinstance(value, float) and math.isfinite(value) for value in numbers.values())
    assert metric(real, fake) == numbers
    assert type(metric)(**vars(metric)) == metric
    wide = [Sample(s.features.double(), s.probabilities.double()) for s in (real, fake)]
    assert metric(*wide) == pytest.approx(numbers, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_metrics_change_nothing(metric: Metric) -> None:
    """Neither the samples nor the random numbers of training."""
    real, fake = sample(100), sample(90, seed=1)
    before, state = fake.features.clone(), torch.get_rng_state()
    metric(real, fake)
    assert torch.equal(fake.features, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_too_few_samples_are_told_before_and_when_measuring(metric: Metric) -> None:
    least = metric.least_samples(5)
    metric.check(5, least, least, classifies=True)
    metric(sample(least), sample(least))
    for n_real, n_fake in ((least, least - 1), (least - 1, least)):
        with pytest.raises(UserError, match=f"needs at least {least} samples"):
            metric.check(5, n_real, n_fake, classifies=True)
        with pytest.raises(UserError, match=f"there are {n_real} real and {n_fake} fake ones"):
            metric(sample(n_real), sample(n_fake))


def test_a_sample_that_is_none() -> None:
    with pytest.raises(UserError, match="features are not all finite"):
        Sample(torch.tensor([[1.0, math.nan]]))
    with pytest.raises(UserError, match="probabilities are not all finite"):
        Sample(torch.ones(1, 2), torch.tensor([[math.inf]]))
    with pytest.raises(UserError, match=r"2 dimensions, not the shape \[3\]"):
        Sample(torch.ones(3))
    with pytest.raises(UserError, match="features of 3 images and probabilities of 2"):
        Sample(torch.ones(3, 4), torch.ones(2, 4))


def test_moments_are_computed_once() -> None:
    real = sample(10)
    assert real.moments is real.moments
    assert real.moments.count == len(real) == 10


def test_rows_and_subsets() -> None:
    whole = Sample(torch.arange(10.0)[:, None], torch.arange(10.0)[:, None])
    twice = whole.rows(torch.tensor([3, 3, 1]))
    assert twice.features.flatten().tolist() == twice.class_probabilities.flatten().tolist() == [3, 3, 1]
    some = whole.subset(4, torch.Generator().manual_seed(0)).features.flatten().tolist()
    assert len(set(some)) == 4
    assert whole.subset(10, torch.Generator()) is whole


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_what_needs_probabilities_says_so_before_anything_is_generated(metric: Metric) -> None:
    """Those that do without are those that measure without."""
    least = metric.least_samples(5)
    features = Sample(sample(least).features)
    if not metric.needs_probabilities:
        metric.check(5, least, least, classifies=False)
        assert metric(features, features).keys() == metric(sample(least), sample(least)).keys()
        return
    with pytest.raises(UserError, match="gives no class probabilities"):
        metric.check(5, least, least, classifies=False)
    with pytest.raises(UserError, match="gives no class probabilities"):
        metric.compute(features, features)


def test_fid_of_no_more_images_than_features_is_cautioned_against() -> None:
    fid = FrechetDistance()
    assert fid.caution(64, 65, 65) == ""
    assert fid.caution(64, 64, 1000) == fid.caution(64, 1000, 64)
    assert fid.caution(64, 64, 1000).startswith("fid of 64 images by 64 features is too large")
