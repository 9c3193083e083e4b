"""Fidelity and diversity as separate numbers: precision and recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from gan_lightning.metrics.metric import Better, Metric, Sample, require_at_least, seeded
from gan_lightning.metrics.neighbours import nearest_others, squared_distances
from gan_lightning.types import Scalar


class FidelityAndDiversity(NamedTuple):
    """Precision, recall and coverage, which are shares, and density, which is around 1 for a good generator."""

    precision: Scalar
    recall: Scalar
    density: Scalar
    coverage: Scalar


def precision_recall(
    real: Float[Tensor, "N F"], fake: Float[Tensor, "M F"], k: int = 3, density_k: int = 5
) -> FidelityAndDiversity:
    """Measure how real and fake samples overlap, with balls around each sample.

    The ball of a sample reaches to its k-th nearest neighbour of the same kind, real or fake.

    Precision and recall are those of Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991, sec. 2, with closed
    balls of ``k`` neighbours: precision is the share of fakes inside the ball of a real sample, recall the share of
    real samples inside the ball of a fake.

    Density and coverage are those of Naeem et al. 2020, https://arxiv.org/abs/2002.09797, sec. 3, with open balls of
    ``density_k`` neighbours as in their code: density is the number of real balls in which a fake lies, divided by
    ``density_k`` and averaged over the fakes; coverage is the share of real samples that have a fake in their ball. The
    density of a sample compared with itself is 1.
    """
    real_radii = nearest_others(real, max(k, density_k))
    fake_radius = nearest_others(fake, k)[:, k - 1 :].T
    precise = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    recalled, covered, in_balls = torch.zeros(3, dtype=torch.int64, device=fake.device).unbind()
    for rows in squared_distances(real, fake):
        real_radius, density_radius = (real_radii[rows.place, n - 1 : n] for n in (k, density_k))
        for border in (real_radius, density_radius, fake_radius):
            rows.settle(border)
        precise |= (rows.distances <= real_radius).any(0)
        recalled += (rows.distances <= fake_radius).any(1).sum()
        inside = rows.distances < density_radius
        in_balls += inside.sum()
        covered += inside.any(1).sum()
    return FidelityAndDiversity(
        precision=precise.double().mean(),
        recall=recalled.double() / len(real),
        density=in_balls.double() / (density_k * len(fake)),
        coverage=covered.double() / len(real),
    )


@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """``precision``, ``recall``, ``density`` and ``coverage`` of equally many real and fake samples.

    If there are more samples of one kind, as many are drawn as there are of the other, because all four numbers change
    with the ratio and the papers have equally many. The four are one metric because they share the distances, whose
    cost is the square of the number of samples. They need all features, and not only their moments.
    """

    k: int = 3
    density_k: int = 5
    seed: int = field(default=0, repr=False)

    better: ClassVar[dict[str, Better]] = dict.fromkeys(("precision", "recall", "density", "coverage"), "higher")

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If there is less than one neighbour.
        """
        require_at_least(1, k=self.k, density_k=self.density_k)

    def least_samples(self, num_features: int) -> int:
        """Number of a sample and its neighbours."""
        return max(self.k, self.density_k) + 1

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """All four numbers, by name."""
        count, random = min(len(real), len(fake)), seeded(self.seed, "precision_recall")
        reals, fakes = real.subset(count, random).features, fake.subset(count, random).features
        values = precision_recall(reals, fakes, self.k, self.density_k)
        return {name: float(value) for name, value in values._asdict().items()}
