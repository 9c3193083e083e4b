"""FID in closed form and by four other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance

from gan_lightning.errors import UserError
from gan_lightning.metrics import FrechetDistance, FrechetDistanceAtInfinity, Moments, Sample
from gan_lightning.metrics.frechet import frechet_distance, frechet_distance_at_infinity, gaussian_frechet_distance


def distance(a: Tensor, b: Tensor) -> float:
    return float(frechet_distance(Moments.of(a), Moments.of(b)))


def by_square_root_of_a_matrix(a: Tensor, b: Tensor) -> float:
    """As pytorch-fid and the original code have it: the trace of the root of a product that is not symmetric."""
    a, b = a.double().numpy(), b.double().numpy()
    sigma_a, sigma_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(sigma_a @ sigma_b)
    difference = a.mean(0) - b.mean(0)
    return float(difference @ difference + np.trace(sigma_a) + np.trace(sigma_b) - 2 * np.trace(root.real))


def by_torch_fidelity(a: Tensor, b: Tensor) -> float:
    statistics = (fid_features_to_statistics(features.double()) for features in (a, b))
    return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]


def by_torchmetrics(a: Tensor, b: Tensor) -> float:
    extractor = nn.Identity()
    extractor.num_features = a.shape[1]  # or it tries a dummy image
    fid = FrechetInceptionDistance(feature=extractor)
    fid.update(a.double(), real=True)
    fid.update(b.double(), real=False)
    return float(fid.compute())


@pytest.mark.parametrize("other", [by_square_root_of_a_matrix, by_torch_fidelity, by_torchmetrics])
def test_as_others_compute_it(other: object, real: Tensor, fake: Tensor) -> None:
    assert distance(real, fake) == pytest.approx(other(real, fake), rel=1e-6)
    assert distance(real, real + 0.01) == pytest.approx(other(real, real + 0.01), rel=1e-6, abs=1e-6)


def test_one_dimension() -> None:
    """(μ1 - μ2)^2 + (σ1 - σ2)^2."""
    mean = torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    variance = torch.tensor([[[4.0]], [[9.0]]], dtype=torch.float64)
    assert float(gaussian_frechet_distance(mean[0], variance[0], mean[1], variance[1])) == pytest.approx(9 + 1)


def test_gaussians_that_commute() -> None:
    """‖μ1 - μ2‖² + Σ (√λ1 - √λ2)², where both covariances have the same eigenvectors."""
    rotation = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64)).Q
    means = torch.randn(2, 8, dtype=torch.float64)
    eigenvalues = torch.rand(2, 8, dtype=torch.float64) * 10
    covariances = rotation @ torch.diag_embed(eigenvalues) @ rotation.T
    expected = (means[0] - means[1]).square().sum() + (eigenvalues[0].sqrt() - eigenvalues[1].sqrt()).square().sum()
    actual = gaussian_frechet_distance(means[0], covariances[0], means[1], covariances[1])
    assert float(actual) == pytest.approx(float(expected), rel=1e-12)


def test_gaussians_that_do_not_commute() -> None:
    """In two dimensions tr √M = √(tr M + 2 √det M)."""
    a = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    b = torch.tensor([[5.0, -2.0], [-2.0, 1.0]], dtype=torch.float64)
    zero = torch.zeros(2, dtype=torch.float64)
    product = a @ b
    cross = (product.trace() + 2 * product.det().sqrt()).sqrt()
    expected = a.trace() + b.trace() - 2 * cross
    assert float(gaussian_frechet_distance(zero, a, zero, b)) == pytest.approx(float(expected), rel=1e-12)


def test_symmetric_and_zero_on_itself(real: Tensor, fake: Tensor) -> None:
    assert distance(real, fake) == pytest.approx(distance(fake, real), rel=1e-12)
    assert distance(real, real) == pytest.approx(0, abs=1e-12)
    assert distance(real, real[torch.randperm(len(real))]) == pytest.approx(0, abs=1e-12)


def test_few_samples_and_dead_units() -> None:
    """Where covariances have eigenvalues of 0, roots of rounding errors would add up to 1e-5 here.

    The traces are 135,000, whose last digit in float64 is 3e-11: their difference could not have the digits below.
    """
    features = torch.randn(20, 200) * 30
    features[:, :50] = 0
    assert distance(features, features.flip(0)) == pytest.approx(0, abs=1e-18)
    shifted = features.double() + 1e-3
    assert distance(features, shifted) == pytest.approx(200 * 1e-6, rel=1e-10)


def test_far_from_the_origin(real: Tensor, fake: Tensor) -> None:
    """Float32 features with means of 1e3 lose nothing but what float32 had already lost."""
    far_real, far_fake = (real + 1000).float(), (fake + 1000).float()
    near = distance(far_real.double() - 1000, far_fake.double() - 1000)
    assert distance(far_real, far_fake) == pytest.approx(near, rel=1e-9)


def test_it_is_never_negative(real: Tensor) -> None:
    assert distance(real, real) >= 0


def test_infinity_takes_the_bias_away() -> None:
    """16 features, 2,000 samples of the very distribution: FID is some 0.03, its limit is 0."""
    exact = Moments(1, torch.zeros(16, dtype=torch.float64), torch.eye(16, dtype=torch.float64))
    exact = Moments(10**9, exact.mean, exact.scatter * (10**9 - 1))
    fake = torch.randn(8, 2000, 16)
    at_infinity = torch.stack([frechet_distance_at_infinity(exact, features) for features in fake])
    at_2000 = torch.stack([frechet_distance(exact, Moments.of(features)) for features in fake])
    assert 0.02 < float(at_2000.mean()) < 0.06
    assert abs(float(at_infinity.mean())) < 0.1 * float(at_2000.mean())


def test_infinity_is_the_intercept_of_a_line_in_one_over_n(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a distance of exactly 3 + 5 / n, whatever the samples are."""
    monkeypatch.setattr(
        "gan_lightning.metrics.frechet.frechet_distance",
        lambda real, fake: torch.tensor(3 + 5 / fake.count, dtype=torch.float64),
    )
    features = torch.randn(400, 2)
    assert float(frechet_distance_at_infinity(Moments.of(features), features)) == pytest.approx(3, rel=1e-12)


def test_infinity_needs_more_samples_than_features(real: Tensor, fake: Tensor) -> None:
    assert FrechetDistanceAtInfinity(smallest_share=0.1).least_samples(24) == 250
    with pytest.raises(UserError, match="at least 250 samples"):
        FrechetDistanceAtInfinity(smallest_share=0.1)(Sample(real), Sample(fake[:249]))
    FrechetDistanceAtInfinity(smallest_share=0.1, points=2)(Sample(real), Sample(fake[:250]))
    with pytest.raises(UserError, match="more than the 24 features"):
        frechet_distance_at_infinity(Moments.of(real), fake[:240])


def test_measures(real: Tensor, fake: Tensor) -> None:
    a, b = Sample(real), Sample(fake)
    assert FrechetDistance()(a, b) == {"fid": pytest.approx(distance(real, fake))}
    same = [FrechetDistanceAtInfinity(seed=3)(a, b)["fid_infinity"] for _ in range(2)]
    assert same[0] == same[1] != FrechetDistanceAtInfinity(seed=4)(a, b)["fid_infinity"]


@pytest.mark.parametrize("settings", [{"points": 1}, {"smallest_share": 0.0}, {"smallest_share": 1.0}])
def test_settings_are_checked(settings: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(settings))):
        FrechetDistanceAtInfinity(**settings)
