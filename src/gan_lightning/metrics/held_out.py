"""What a metric says of images that were never trained on: its floor, and whether the generator does worse there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from gan_lightning.metrics.metric import Metric, Sample, seeded


class HeldOutMetric(ABC):
    """A metric of three samples -> its numbers by name. Derive a frozen dataclass of settings, as of a Metric."""

    def check(self, num_features: int, n_train: int, n_held_out: int, n_fake: int, *, classifies: bool) -> None:
        """Tell before anything is generated whether the samples will do; raises a UserError where they won't.

        Any will, unless it says otherwise.
        """
        return

    def num_fakes(self, n_held_out: int, n_fake: int) -> int:
        """How many images stand on the side of the fakes; all fakes, unless it says otherwise."""
        return n_fake

    @abstractmethod
    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """Measure; ``held_out`` are images of the data set that the generator was not trained on."""


@dataclass(frozen=True)
class NoiseFloor(HeldOutMetric):
    """``NAME_floor``: the numbers of ``metric`` with held-out images in the place of fakes.

    A perfect generator has about this value, and nothing near it can be told from perfect. The number of samples
    matters to FID and to neighbours: as many held-out images are taken as there are fakes, or all where they are fewer.
    """

    metric: Metric
    seed: int = field(default=0, repr=False)

    def check(self, num_features: int, n_train: int, n_held_out: int, n_fake: int, *, classifies: bool) -> None:
        """What the metric needs, with held-out images as fakes."""
        self.metric.check(num_features, n_train, self.num_fakes(n_held_out, n_fake), classifies=classifies)

    def num_fakes(self, n_held_out: int, n_fake: int) -> int:
        """As many held-out images as there are fakes, where there are so many."""
        return min(n_held_out, n_fake)

    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """One number for each that a run can be judged by."""
        numbers = self.metric(train, held_out.subset(len(fake), seeded(self.seed, "floor")))
        return {f"{name}_floor": numbers[name] for name in self.metric.better}


@dataclass(frozen=True)
class TrainTestGap(HeldOutMetric):
    """``NAME_gap``: the numbers of ``metric`` against held-out images, less those against training images.

    Around 0 for a generator that has learnt the distribution; for a distance, above it where the fakes are closer to
    what was trained on. Both sides have the same fakes and equally many real images, so that the bias cancels.
    """

    metric: Metric
    seed: int = field(default=0, repr=False)

    def check(self, num_features: int, n_train: int, n_held_out: int, n_fake: int, *, classifies: bool) -> None:
        """What the metric needs, with as many real images as there are of both kinds."""
        self.metric.check(num_features, min(n_train, n_held_out), n_fake, classifies=classifies)

    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """One number for each that a run can be judged by."""
        random = seeded(self.seed, "gap")
        count = min(len(train), len(held_out))
        seen = self.metric(train.subset(count, random), fake)
        unseen = self.metric(held_out.subset(count, random), fake)
        return {f"{name}_gap": unseen[name] - seen[name] for name in self.metric.better}
