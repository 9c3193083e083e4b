"""Kernel distance between features, called KID if Inception makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gan_lightning.metrics.metric import Better, Metric, Sample, require_at_least, seeded
from gan_lightning.types import Scalar


def polynomial_kernel(x: Float64[Tensor, "N F"], y: Float64[Tensor, "M F"]) -> Float64[Tensor, "N M"]:
    """Polynomial kernel `(x·y / F + 1)³` of Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401, sec. 4."""
    base = (x @ y.T).div_(x.shape[1]).add_(1)
    return base.pow(3)


def squared_mmd(x: Float64[Tensor, "N F"], y: Float64[Tensor, "M F"]) -> Scalar:
    """Unbiased estimate of the squared maximum mean discrepancy under the polynomial kernel, which may be negative.

    It is `Σ_{i≠j} k(xi, xj) / n(n-1) + Σ_{i≠j} k(yi, yj) / m(m-1) - 2 Σ k(xi, yj) / nm`, eq. 3 of Gretton et al. 2012,
    JMLR 13.
    """
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * polynomial_kernel(x, y).mean()


def kernel_distances(
    real: Float[Tensor, "N F"],
    fake: Float[Tensor, "M F"],
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> Float64[Tensor, " subsets"]:
    """Squared MMD of each pair of random subsets, within which no sample occurs twice."""
    random = seeded(seed, "kid")

    def drawn(features: Float[Tensor, "N F"]) -> Float64[Tensor, "subset_size F"]:
        rows = torch.randperm(len(features), generator=random)[:subset_size]
        return features[rows.to(features.device)].double()

    return torch.stack([squared_mmd(drawn(real), drawn(fake)) for _ in range(subsets)])


@dataclass(frozen=True)
class KernelDistance(Metric):
    """Mean and standard deviation of the kernel distance over the subsets: ``kid`` and ``kid_std``.

    If there are fewer than ``subset_size`` samples of a kind, a subset has half as many samples as there are of that
    kind, because all subsets would be alike if each had all of them. The expected value does not depend on this size,
    though the spread does. The metric needs all features, and not only their moments.
    """

    subsets: int = 100
    subset_size: int = 1000
    seed: int = field(default=0, repr=False)

    better: ClassVar[dict[str, Better]] = {"kid": "lower"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If there are no subsets, or a subset has a single sample.
        """
        require_at_least(1, subsets=self.subsets)
        require_at_least(2, subset_size=self.subset_size)

    def least_samples(self, num_features: int) -> int:
        """Four samples, because a subset is half of them and needs a pair."""
        return 4

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """KID and its standard deviation over the subsets, by name."""
        count = min(len(real), len(fake))
        size = self.subset_size if count >= self.subset_size else count // 2
        distances = kernel_distances(real.features, fake.features, self.subsets, size, self.seed)
        return {"kid": float(distances.mean()), "kid_std": float(distances.std(correction=0))}


def _mean_of_pairs(x: Float64[Tensor, "N F"]) -> Scalar:
    """Mean of `k(xi, xj)` over all `i ≠ j`."""
    kernel = polynomial_kernel(x, x)
    return (kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1))
