"""Error bars: how far a number would move if other samples were drawn from the same generator."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from gan_lightning.metrics.metric import Metric, Sample, require_at_least, seeded


@dataclass(frozen=True)
class Bootstrap(Metric):
    """Standard errors, named ``NAME_error``, of those numbers of ``metric`` by which a run is judged.

    The real images stay as they are, and ``resamples`` times new samples are drawn from the fakes in one of two ways:

    - With replacement, each sample has as many images as there are fakes (Efron 1979, Annals of Statistics 7(1)). Their
      mean is further off than the number itself, because a sample with fewer different images has a larger FID.
      Therefore only their spread is used.
    - Without replacement, each sample has half of the fakes: the delete-half jackknife (Shao & Wu 1989, Annals of
      Statistics 17(3)), whose spread is that of the whole sample. It is the choice for recall and coverage, because an
      image that is drawn twice would be its own nearest neighbour.
    """

    metric: Metric
    resamples: int = 20
    replacement: bool = True
    seed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If there are fewer than two resamples.
        """
        require_at_least(2, resamples=self.resamples)

    @property
    def needs_probabilities(self) -> bool:
        """Whether the extractor must classify, which is so if the metric itself needs it."""
        return self.metric.needs_probabilities

    def least_samples(self, num_features: int) -> int:
        """Number of fakes with which each resample has as many images as the metric needs."""
        return self.metric.least_samples(num_features) * (1 if self.replacement else 2)

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """Standard deviation of each number over the resamples, by name."""
        random = seeded(self.seed, "bootstrap")
        results = [self.metric(real, fake.rows(self._drawn(len(fake), random))) for _ in range(self.resamples)]
        values = {
            name: torch.tensor([result[name] for result in results], dtype=torch.float64) for name in self.metric.better
        }
        return {f"{name}_error": float(value.std()) for name, value in values.items()}

    def _drawn(self, count: int, random: Generator) -> Tensor:
        if self.replacement:
            return torch.randint(count, (count,), generator=random)
        return torch.randperm(count, generator=random)[: count // 2]
