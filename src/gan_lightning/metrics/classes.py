"""Metrics that tell which classes a generator makes, and how often, according to a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from gan_lightning.metrics.metric import Better, Metric, Probabilities, Sample, require_at_least
from gan_lightning.types import Scalar


def class_counts(probabilities: Probabilities) -> Int[Tensor, " K"]:
    """Number of samples for each class, where a sample counts for the class that is its most probable one."""
    return probabilities.argmax(1).bincount(minlength=probabilities.shape[1])


def entropy(shares: Float64[Tensor, " K"]) -> Scalar:
    """Entropy `-Σ p log p` in nats: `log K` if all classes are equally frequent, 0 if there is only one."""
    total: Scalar = torch.special.entr(shares).sum()
    return total


def kl_divergence(p: Float64[Tensor, " K"], q: Float64[Tensor, " K"]) -> Scalar:
    """Kullback-Leibler divergence `Σ p log(p / q)` in nats, which is infinite if q lacks a class that p has."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


@dataclass(frozen=True)
class ClassCoverage(Metric):
    """How well the fakes cover the classes of the real images: ``classes_covered``, ``class_entropy`` and ``class_kl``.

    A class counts as covered if its share among the fakes is at least ``least_share`` of its share among the real
    images, both by the same classifier. If ``least_share`` is 0, a single fake is enough: that is the number of modes
    of Srivastava et al. 2017 (VEEGAN, https://arxiv.org/abs/1705.07761), which comes out too high for many samples
    because the classifier's mistakes then reach every class.

    ``class_entropy`` is the entropy of the classes of the fakes. ``class_kl`` is `KL(fake ‖ real)`, as in VEEGAN, of
    frequencies with half a count added to each class (Krichevsky & Trofimov 1981), so that it stays finite if the real
    images lack a class, for example because only some classes were chosen.
    """

    least_share: float = 0.1

    needs_probabilities = True
    better: ClassVar[dict[str, Better]] = {"classes_covered": "higher", "class_kl": "lower"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If the share is negative.
        """
        require_at_least(0, least_share=self.least_share)

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """All three numbers, by name."""
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
    """Share of each class among the fakes, named ``class_share/0``, ``class_share/1`` and so on."""

    needs_probabilities = True

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """One number for each class, by name."""
        shares = class_counts(fake.class_probabilities).double() / len(fake)
        return {f"class_share/{index}": value for index, value in enumerate(shares.tolist())}


@dataclass(frozen=True)
class ClassAsked(Metric):
    """Share of the fakes that the classifier takes for the class that they were asked to show: ``class_asked``.

    There is no such number if the generator takes no labels, or if the classifier does not know these classes by name.
    """

    needs_probabilities = True

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """The share, by name."""
        if fake.labels is None:
            return {}
        return {"class_asked": float((fake.class_probabilities.argmax(1) == fake.labels).double().mean())}


def _smoothed(counts: Float64[Tensor, " K"]) -> Float64[Tensor, " K"]:
    return (counts + 0.5) / (counts + 0.5).sum()
