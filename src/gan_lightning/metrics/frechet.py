"""Fréchet distance between features, called FID if Inception makes them, and its value for infinitely many samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.metrics.metric import Better, Metric, Sample, require_at_least, seeded
from gan_lightning.metrics.moments import Moments
from gan_lightning.types import Scalar


def gaussian_frechet_distance(
    mean_a: Float64[Tensor, " F"],
    covariance_a: Float64[Tensor, "F F"],
    mean_b: Float64[Tensor, " F"],
    covariance_b: Float64[Tensor, "F F"],
) -> Scalar:
    """Squared 2-Wasserstein distance of two Gaussians: Dowson & Landau 1982, J. Multivariate Analysis 12(3).

    `‖μa - μb‖² + tr Σa + tr Σb - 2 tr (Σa^½ Σb Σa^½)^½`, computed as a sum of squares that is never negative.
    """
    # With Σ = R Rᵀ and the singular value decomposition Rbᵀ Ra = U S Vᵀ, the last trace is tr S, and the traces
    # together are ‖Ra - Rb Q‖² with the rotation Q = U Vᵀ (orthogonal Procrustes). The usual forms lose digits. The
    # difference of the traces loses them if the covariances are nearly equal, because it is then much smaller than the
    # traces. The root of an eigenvalue that should be 0, because of a dead unit or of fewer samples than features,
    # turns an error of 1e-16 into one of 1e-8.
    root_a, root_b = _root(covariance_a), _root(covariance_b)
    u, _, vh = torch.linalg.svd(root_b.T @ root_a)
    distance: Scalar = (mean_a - mean_b).square().sum() + (root_a - root_b @ (u @ vh)).square().sum()
    return distance


def frechet_distance(a: Moments, b: Moments) -> Scalar:
    """FID of Heusel et al. 2017, https://arxiv.org/abs/1706.08500, eq. 6, with unbiased covariances."""
    return gaussian_frechet_distance(a.mean, a.covariance, b.mean, b.covariance)


def frechet_distance_at_infinity(
    real: Moments, fake: Float[Tensor, "N F"], points: int = 15, smallest_share: float = 0.1, seed: int = 0
) -> Scalar:
    """FID extrapolated to infinitely many fakes, `FID∞` of Chong & Forsyth 2020, https://arxiv.org/abs/1911.07023.

    FID of n fakes is too high by `c / n`, and `c` depends on the generator. FID is therefore measured on ``points``
    random subsets of the fakes, whose sizes n rise in equal steps from ``smallest_share`` of the fakes to all of them.
    A line in `1 / n` is fitted to these values, and its intercept is the value for infinitely many fakes. The bias from
    the finite number of real images stays.

    Raises:
        UserError: If the smallest subset has no more samples than features, because FID is then not linear in `1 / n`.
    """
    smallest = round(smallest_share * len(fake))
    if smallest <= fake.shape[1]:
        raise UserError(
            f"FID at infinity starts from {smallest} samples, which must be more than the {fake.shape[1]} features: "
            f"measure on more than {math.ceil(fake.shape[1] / smallest_share)} or leave it out"
        )
    random = seeded(seed, "fid_infinity")
    counts = torch.linspace(smallest, len(fake), points, dtype=torch.float64).long()
    subsets = (torch.randperm(len(fake), generator=random)[:n].to(fake.device) for n in counts.tolist())
    distances = torch.stack([frechet_distance(real, Moments.of(fake[subset])) for subset in subsets])
    return _intercept(1 / counts.to(distances), distances)


@dataclass(frozen=True)
class FrechetDistance(Metric):
    """Fréchet distance, named ``fid``, which follows from the moments of the features alone."""

    better: ClassVar[dict[str, Better]] = {"fid": "lower"}

    def caution(self, num_features: int, n_real: int, n_fake: int) -> str:
        """Warn of too few samples, because the covariance of N samples has a rank of N - 1 at most."""
        if (fewest := min(n_real, n_fake)) > num_features:
            return ""
        return (
            f"fid of {fewest:,} images by {num_features:,} features is too large, for their covariance lacks its full "
            f"rank: compare it with others of {fewest:,} images alone, or measure more than {num_features:,}"
        )

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """FID of the two samples, by name."""
        return {"fid": float(frechet_distance(real.moments, fake.moments))}


@dataclass(frozen=True)
class FrechetDistanceAtInfinity(Metric):
    """FID for infinitely many fakes, named ``fid_infinity``, which can come out slightly below zero.

    It needs the features of all fakes, and not only their moments.
    """

    points: int = 15
    smallest_share: float = 0.1
    seed: int = field(default=0, repr=False)

    better: ClassVar[dict[str, Better]] = {"fid_infinity": "lower"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If there are fewer than two points, or the share is outside (0, 1).
        """
        require_at_least(2, points=self.points)
        if not 0 < self.smallest_share < 1:
            raise UserError(f"smallest_share of a metric is {self.smallest_share}, but must lie between 0 and 1")

    def least_samples(self, num_features: int) -> int:
        """Number of samples with which the smallest subset has more samples than features."""
        return math.ceil((num_features + 1) / self.smallest_share)

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """FID extrapolated to infinitely many fakes, by name."""
        settings = self.points, self.smallest_share, self.seed
        return {"fid_infinity": float(frechet_distance_at_infinity(real.moments, fake.features, *settings))}


def _root(covariance: Float64[Tensor, "F F"]) -> Float64[Tensor, "F F"]:
    """Root `R` of a covariance, `R Rᵀ = Σ`, with eigenvalues within rounding of 0 set to 0.

    Otherwise the root of such an eigenvalue would be 1e-8 of the largest root.
    """
    eigenvalues, eigenvectors = torch.linalg.eigh(covariance)
    rounding = len(covariance) * torch.finfo(covariance.dtype).eps * eigenvalues[-1].clamp(min=0)
    root: Float64[Tensor, "F F"] = eigenvectors * torch.where(eigenvalues > rounding, eigenvalues, 0.0).sqrt()
    return root


def _intercept(x: Float64[Tensor, " P"], y: Float64[Tensor, " P"]) -> Scalar:
    """Intercept of the line of least squares through the points (x, y)."""
    dx = x - x.mean()
    slope = (dx * (y - y.mean())).sum() / dx.square().sum()
    return y.mean() - slope * x.mean()
