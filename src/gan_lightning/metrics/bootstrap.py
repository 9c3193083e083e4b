"""Error bars: how far a number would move if other samples were drawn from the same generator."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from gan_lightning.metrics.metric import Metric, Sample, require_at_least, seeded


@dataclass(frozen=True)
class Bootstrap(Metric):
    """``NAME_error`` for the numbers of ``metric`` that a run is judged by: a standard error over the fakes drawn.

    The real images stay as they are, and the fakes are drawn anew from the fakes ``resamples`` times:

    - with replacement, as many as there are (Efron 1979, Annals of Statistics 7(1)). The mean over these is further off
      than the number itself (fewer different samples: a larger FID), which is why only their spread is taken.
    - without, half of them: the delete-half jackknife (Shao & Wu 1989, Annals of Statistics 17(3)), whose spread is
      that of the whole sample. Take it for recall and coverage, where a sample that stands twice is its own neighbour.
    """

    metric: Metric
    resamples: int = 20
    replacement: bool = True
    seed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: for fewer than two resamples.
        """
        require_at_least(2, resamples=self.resamples)

    @property
    def needs_probabilities(self) -> bool:
        """As the metric."""
        return self.metric.needs_probabilities

    def least_samples(self, num_features: int) -> int:
        """What the metric needs, in each resample."""
        return self.metric.least_samples(num_features) * (1 if self.replacement else 2)

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """The standard deviation over the resamples."""
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
