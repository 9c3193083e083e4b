"""Fréchet distance between features (FID where they are Inception's), and its value for infinitely many samples."""

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
    """The squared 2-Wasserstein distance of two Gaussians; Dowson & Landau 1982, J. Multivariate Analysis 12(3).

    `‖μa - μb‖² + tr Σa + tr Σb - 2 tr (Σa^½ Σb Σa^½)^½`, computed as a sum of squares that is never negative.
    """
    # With Σ = R Rᵀ and the singular values Rbᵀ Ra = U S Vᵀ the last trace is tr S, and the traces together are
    # ‖Ra - Rb Q‖² with the rotation Q = U Vᵀ (orthogonal Procrustes). The usual forms lose digits: the difference of
    # traces as many as it is smaller than they are (near-equal covariances), and roots of eigenvalues turn an error of
    # 1e-16 in one that should be 0 (a dead unit, fewer samples than features) into 1e-8.
    root_a, root_b = _root(covariance_a), _root(covariance_b)
    u, _, vh = torch.linalg.svd(root_b.T @ root_a)
    distance: Scalar = (mean_a - mean_b).square().sum() + (root_a - root_b @ (u @ vh)).square().sum()
    return distance


def frechet_distance(a: Moments, b: Moments) -> Scalar:
    """FID, Heusel et al. 2017, https://arxiv.org/abs/1706.08500, eq. 6, with unbiased covariances."""
    return gaussian_frechet_distance(a.mean, a.covariance, b.mean, b.covariance)


def frechet_distance_at_infinity(
    real: Moments, fake: Float[Tensor, "N F"], points: int = 15, smallest_share: float = 0.1, seed: int = 0
) -> Scalar:
    """FID∞: Chong & Forsyth 2020, https://arxiv.org/abs/1911.07023.

    FID is biased upwards by c / n, and c depends on the generator. It is measured for ``points`` numbers n of fakes at
    equal distances, from ``smallest_share`` of them to all, each a new random subset, and a line in 1 / n through these
    has its intercept at infinity. The bias that the finite number of real images brings stays.

    Raises:
        UserError: if the smallest subset has no more samples than features, where FID is not linear in 1 / n.
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
    """``fid``; needs the moments alone."""

    better: ClassVar[dict[str, Better]] = {"fid": "lower"}

    def caution(self, num_features: int, n_real: int, n_fake: int) -> str:
        """The covariance of N samples has rank N - 1 at most."""
        if (fewest := min(n_real, n_fake)) > num_features:
            return ""
        return (
            f"fid of {fewest:,} images by {num_features:,} features is too large, for their covariance lacks its full "
            f"rank: compare it with others of {fewest:,} images alone, or measure more than {num_features:,}"
        )

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """FID of the two samples."""
        return {"fid": float(frechet_distance(real.moments, fake.moments))}


@dataclass(frozen=True)
class FrechetDistanceAtInfinity(Metric):
    """``fid_infinity``; needs all features of the fakes. It can come out slightly below zero."""

    points: int = 15
    smallest_share: float = 0.1
    seed: int = field(default=0, repr=False)

    better: ClassVar[dict[str, Better]] = {"fid_infinity": "lower"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: for fewer than two points, or a share outside (0, 1).
        """
        require_at_least(2, points=self.points)
        if not 0 < self.smallest_share < 1:
            raise UserError(f"smallest_share of a metric is {self.smallest_share}, but must lie between 0 and 1")

    def least_samples(self, num_features: int) -> int:
        """So many that the smallest subset has more samples than features."""
        return math.ceil((num_features + 1) / self.smallest_share)

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """FID extrapolated in the number of fakes."""
        settings = self.points, self.smallest_share, self.seed
        return {"fid_infinity": float(frechet_distance_at_infinity(real.moments, fake.features, *settings))}


def _root(covariance: Float64[Tensor, "F F"]) -> Float64[Tensor, "F F"]:
    """R with R Rᵀ = Σ; an eigenvalue within rounding of 0 is 0, or its root would be 1e-8 of the largest."""
    eigenvalues, eigenvectors = torch.linalg.eigh(covariance)
    rounding = len(covariance) * torch.finfo(covariance.dtype).eps * eigenvalues[-1].clamp(min=0)
    root: Float64[Tensor, "F F"] = eigenvectors * torch.where(eigenvalues > rounding, eigenvalues, 0.0).sqrt()
    return root


def _intercept(x: Float64[Tensor, " P"], y: Float64[Tensor, " P"]) -> Scalar:
    """Of the line of least squares."""
    dx = x - x.mean()
    slope = (dx * (y - y.mean())).sum() / dx.square().sum()
    return y.mean() - slope * x.mean()
