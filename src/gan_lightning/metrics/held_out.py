"""Metrics with held-out real images: the value of a perfect generator, and whether fakes are closer to training images.

Held-out images are images of the data set that the generator was not trained on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from gan_lightning.metrics.metric import Metric, Sample, seeded


class HeldOutMetric(ABC):
    """A metric of three samples: training images, held-out images and fakes.

    As with ``Metric``, a subclass is a frozen dataclass of settings, and its call returns numbers by name.
    """

    def check(self, num_features: int, n_train: int, n_held_out: int, n_fake: int, *, classifies: bool) -> None:
        """Check before anything is generated that the samples will be enough; without an override they always are.

        Raises:
            UserError: If a subclass needs more samples, or an extractor that classifies.
        """
        return

    def num_fakes(self, n_held_out: int, n_fake: int) -> int:
        """Number of images that are measured as fakes, which is that of all fakes unless a subclass overrides this."""
        return n_fake

    @abstractmethod
    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """Numbers by name, from training images, held-out images and fakes."""


@dataclass(frozen=True)
class NoiseFloor(HeldOutMetric):
    """The numbers of ``metric`` with held-out images in the place of fakes, named ``NAME_floor``.

    A perfect generator has about this value, and a generator near it can't be told from a perfect one. Because FID and
    metrics of neighbours depend on the number of samples, as many held-out images are drawn as there are fakes, or all
    if there are fewer.
    """

    metric: Metric
    seed: int = field(default=0, repr=False)

    def check(self, num_features: int, n_train: int, n_held_out: int, n_fake: int, *, classifies: bool) -> None:
        """Check that the samples will be enough for the metric, with held-out images as fakes."""
        self.metric.check(num_features, n_train, self.num_fakes(n_held_out, n_fake), classifies=classifies)

    def num_fakes(self, n_held_out: int, n_fake: int) -> int:
        """Number of held-out images that stand for fakes: as many as there are fakes, or all if there are fewer."""
        return min(n_held_out, n_fake)

    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """One number for each number of the metric by which a run is judged."""
        numbers = self.metric(train, held_out.subset(len(fake), seeded(self.seed, "floor")))
        return {f"{name}_floor": numbers[name] for name in self.metric.better}


@dataclass(frozen=True)
class TrainTestGap(HeldOutMetric):
    """The numbers of ``metric`` against held-out images minus those against training images, named ``NAME_gap``.

    The gap is around 0 if the generator has learnt the distribution. That of a distance is above 0 if the fakes are
    closer to the training images. Both sides have the same fakes and equally many real images, so that the bias
    cancels.
    """

    metric: Metric
    seed: int = field(default=0, repr=False)

    def check(self, num_features: int, n_train: int, n_held_out: int, n_fake: int, *, classifies: bool) -> None:
        """Check that the samples will be enough, with equally many training and held-out images."""
        self.metric.check(num_features, min(n_train, n_held_out), n_fake, classifies=classifies)

    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """One number for each number of the metric by which a run is judged."""
        random = seeded(self.seed, "gap")
        count = min(len(train), len(held_out))
        seen = self.metric(train.subset(count, random), fake)
        unseen = self.metric(held_out.subset(count, random), fake)
        return {f"{name}_gap": unseen[name] - seen[name] for name in self.metric.better}
