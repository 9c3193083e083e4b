"""Which classes a generator makes, as a classifier sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from gan_lightning.metrics.metric import Better, Metric, Probabilities, Sample, require_at_least
from gan_lightning.types import Scalar


def class_counts(probabilities: Probabilities) -> Int[Tensor, " K"]:
    """How many samples have each class as their most probable one."""
    return probabilities.argmax(1).bincount(minlength=probabilities.shape[1])


def entropy(shares: Float64[Tensor, " K"]) -> Scalar:
    """-Σ p log p in nats: log K where all classes are equally frequent, 0 where there is one."""
    total: Scalar = torch.special.entr(shares).sum()
    return total


def kl_divergence(p: Float64[Tensor, " K"], q: Float64[Tensor, " K"]) -> Scalar:
    """Σ p log(p / q) in nats; infinite where q lacks a class that p has."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


@dataclass(frozen=True)
class ClassCoverage(Metric):
    """``classes_covered``, ``class_entropy`` of the fakes and ``class_kl`` from the real frequencies to the fakes'.

    A class counts as covered where its share among the fakes is at least ``least_share`` of its share among the real
    images, by the same classifier. With 0, a single fake will do: that is the count of modes of Srivastava et al. 2017
    (VEEGAN, https://arxiv.org/abs/1705.07761), which a classifier's slips fill up when there are many samples.

    The divergence is KL(fake ‖ real), as there, of frequencies with half a count added to each class (Krichevsky &
    Trofimov 1981): it stays finite where the real images, say of chosen classes, lack one.
    """

    least_share: float = 0.1

    needs_probabilities = True
    better: ClassVar[dict[str, Better]] = {"classes_covered": "higher", "class_kl": "lower"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: for a negative share.
        """
        require_at_least(0, least_share=self.least_share)

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """All three."""
        reals, fakes = class_counts(real.class_probabilities).double(), class_counts(fake.class_probabilities).double()
        real_shares, fake_shares = reals / reals.sum(), fakes / fakes.sum()
        covered = (real_shares > 0) & (fake_shares > 0) & (fake_shares >= self.least_share * real_shares)
        return {
            "classes_covered": float(covered.sum()),
            "class_entropy": float(entropy(fake_shares)),
            "class_kl": float(kl_divergence(_smoothed(fakes), _smoothed(reals))),
        }


@dataclass(frozen=True)
class ClassHistogram(Metric):
    """``class_share/0``, ``class_share/1``, ...: the share of each class among the fakes."""

    needs_probabilities = True

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """One number a class."""
        shares = class_counts(fake.class_probabilities).double() / len(fake)
        return {f"class_share/{index}": value for index, value in enumerate(shares.tolist())}


def _smoothed(counts: Float64[Tensor, " K"]) -> Float64[Tensor, " K"]:
    return (counts + 0.5) / (counts + 0.5).sum()
