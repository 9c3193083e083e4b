"""Kernel distance between features (KID where they are Inception's)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gan_lightning.metrics.metric import Better, Metric, Sample, require_at_least, seeded
from gan_lightning.types import Scalar


def polynomial_kernel(x: Float64[Tensor, "N F"], y: Float64[Tensor, "M F"]) -> Float64[Tensor, "N M"]:
    """(x·y / F + 1)^3; Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401, sec. 4."""
    base = (x @ y.T).div_(x.shape[1]).add_(1)
    return base.pow(3)


def squared_mmd(x: Float64[Tensor, "N F"], y: Float64[Tensor, "M F"]) -> Scalar:
    """Unbiased estimate of the squared maximum mean discrepancy under the polynomial kernel; it may be negative.

    Σ_{i≠j} k(xi, xj) / n(n-1) + Σ_{i≠j} k(yi, yj) / m(m-1) - 2 Σ k(xi, yj) / nm; Gretton et al. 2012, JMLR 13, eq. 3.
    """
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * polynomial_kernel(x, y).mean()


def kernel_distances(
    real: Float[Tensor, "N F"],
    fake: Float[Tensor, "M F"],
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> Float64[Tensor, " subsets"]:
    """The squared MMD of random subsets; no sample stands twice in one of them."""
    random = seeded(seed, "kid")

    def drawn(features: Float[Tensor, "N F"]) -> Float64[Tensor, "subset_size F"]:
        rows = torch.randperm(len(features), generator=random)[:subset_size]
        return features[rows.to(features.device)].double()

    return torch.stack([squared_mmd(drawn(real), drawn(fake)) for _ in range(subsets)])


@dataclass(frozen=True)
class KernelDistance(Metric):
    """``kid`` and ``kid_std``: mean and standard deviation over the subsets; needs all features.

    Where there are fewer than ``subset_size`` samples of a kind, subsets have half as many as there are of that kind:
    all of them would make all subsets alike. The expected value is the same for any size, the spread is not.
    """

    subsets: int = 100
    subset_size: int = 1000
    seed: int = field(default=0, repr=False)

    better: ClassVar[dict[str, Better]] = {"kid": "lower"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: for no subsets, or subsets of one.
        """
        require_at_least(1, subsets=self.subsets)
        require_at_least(2, subset_size=self.subset_size)

    def least_samples(self, num_features: int) -> int:
        """Two pairs, one for a subset."""
        return 4

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """KID and how far one subset's value is from another's."""
        count = min(len(real), len(fake))
        size = self.subset_size if count >= self.subset_size else count // 2
        distances = kernel_distances(real.features, fake.features, self.subsets, size, self.seed)
        return {"kid": float(distances.mean()), "kid_std": float(distances.std(correction=0))}


def _mean_of_pairs(x: Float64[Tensor, "N F"]) -> Scalar:
    """The mean of k(xi, xj) over all i ≠ j."""
    kernel = polynomial_kernel(x, x)
    return (kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1))
