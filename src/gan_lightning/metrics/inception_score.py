"""Inception score, which is high if each sample clearly has one class and all samples together have many classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float64
from torch import Tensor

from gan_lightning.metrics.metric import Better, Metric, Probabilities, Sample, require_at_least, seeded


def inception_scores(probabilities: Probabilities, splits: int = 10) -> Float64[Tensor, " splits"]:
    """Score `exp(E KL(p(y|x) ‖ p(y)))` of each of ``splits`` consecutive parts of the samples.

    The formula is that of Salimans et al. 2016, https://arxiv.org/abs/1606.03498, sec. 4. The mean divergence is
    computed as `H(E p(y|x)) - E H(p(y|x))`, because in this form a probability of 0 does no harm.
    """
    p = probabilities.double()
    borders = [i * len(p) // splits for i in range(splits + 1)]
    parts = [p[start:stop] for start, stop in pairwise(borders)]
    return torch.stack([(_entropy(part.mean(0)) - _entropy(part).mean()).exp() for part in parts])


@dataclass(frozen=True)
class InceptionScore(Metric):
    """Mean and standard deviation of the score over the parts: ``inception_score`` and ``inception_score_std``.

    The samples are shuffled first, because a part would hold a single class if they were made class after class.
    """

    splits: int = 10
    seed: int = field(default=0, repr=False)

    needs_probabilities = True
    better: ClassVar[dict[str, Better]] = {"inception_score": "higher"}

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If there are no splits.
        """
        require_at_least(1, splits=self.splits)

    def least_samples(self, num_features: int) -> int:
        """One sample for each part."""
        return self.splits

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """The score of the fakes, by name; the real images do not matter."""
        probabilities = fake.class_probabilities
        order = torch.randperm(len(fake), generator=seeded(self.seed, "inception_score"))
        scores = inception_scores(probabilities[order.to(probabilities.device)], self.splits)
        return {"inception_score": float(scores.mean()), "inception_score_std": float(scores.std(correction=0))}


def _entropy(p: Float64[Tensor, "*N K"]) -> Float64[Tensor, "*N"]:
    """Entropy `-Σ p log p` of each distribution, in nats."""
    return -torch.xlogy(p, p).sum(-1)
