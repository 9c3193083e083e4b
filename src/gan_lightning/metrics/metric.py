"""The contract of a metric, by which a config can choose any: it takes two samples and returns numbers by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from gan_lightning.errors import UserError
from gan_lightning.metrics.moments import Moments
from gan_lightning.randomness import hashed_seed

Probabilities: TypeAlias = Float[Tensor, "N K"]
Better: TypeAlias = Literal["lower", "higher"]
NO_PROBABILITIES = (
    "the extractor gives no class probabilities: leave out the metrics on classes and the inception score, or choose "
    "an extractor that classifies"
)


@dataclass(frozen=True, eq=False)
class Sample:
    """Output of an extractor for N images: features [N F] and, if it classifies, class probabilities [N K].

    ``labels`` [N] are the classes that generated images were asked to show, by the numbers of the extractor's classes;
    None for real images, for generators without labels, and for classes that the extractor does not know.

    Metrics compute in float64 on the device of the tensors, which must support it (Apple's MPS does not).
    """

    features: Tensor
    probabilities: Tensor | None = None
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        """Check what the author of an extractor can get wrong.

        Raises:
            UserError: If values are not finite or not a matrix, or features and probabilities are of different images.
        """
        for name, values in (("features", self.features), ("probabilities", self.probabilities)):
            if values is None:
                continue
            if values.dim() != 2:
                raise UserError(f"an extractor's {name} must have 2 dimensions, not the shape {list(values.shape)}")
            if not torch.isfinite(values).all():
                raise UserError(f"the extractor's {name} are not all finite: are its weights damaged?")
        if self.probabilities is not None and len(self.probabilities) != len(self.features):
            counts = f"features of {len(self.features)} images and probabilities of {len(self.probabilities)}"
            raise UserError(f"the extractor gives {counts}: they must be the same images")

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def moments(self) -> Moments:
        """Count, mean and scatter of the features, computed once."""
        return Moments.of(self.features)

    @property
    def class_probabilities(self) -> Probabilities:
        """The probabilities, for the metrics that need them.

        Raises:
            UserError: If the extractor gives none.
        """
        if self.probabilities is None:
            raise UserError(NO_PROBABILITIES)
        return self.probabilities

    def rows(self, indices: Int[Tensor, " M"]) -> Sample:
        """The images with these indices, among which an index may occur more than once."""
        indices = indices.to(self.features.device)
        rest = (None if values is None else values[indices] for values in (self.probabilities, self.labels))
        return Sample(self.features[indices], *rest)

    def subset(self, count: int, random: Generator) -> Sample:
        """A sample of ``count`` different images drawn at random, or of all if there are no more."""
        return self.rows(torch.randperm(len(self), generator=random)[:count]) if count < len(self) else self


class Metric(ABC):
    """A metric of two samples, real and fake images, whose call returns numbers by name.

    A subclass is a frozen dataclass of settings. Its ``repr`` names the settings that two numbers must share to be
    compared (:meth:`Protocol.measured_by`). A seed need not agree, and is declared with ``field(repr=False)``.
    """

    better: ClassVar[Mapping[str, Better]] = {}
    """Direction in which each number improves by which a run can be judged."""

    @property
    def needs_probabilities(self) -> bool:
        """Whether the extractor must classify."""
        return False

    def least_samples(self, num_features: int) -> int:
        """Number of samples of each kind that the metric needs, which is 2 unless a subclass overrides this."""
        return 2

    def check(self, num_features: int, n_real: int, n_fake: int, *, classifies: bool) -> None:
        """Check before anything is generated that the samples will be enough.

        Raises:
            UserError: If there are too few samples, or the extractor does not classify and must.
        """
        if min(n_real, n_fake) < (least := self.least_samples(num_features)):
            raise UserError(
                f"{type(self).__name__} needs at least {least} samples of each kind (on {num_features} features), and "
                f"there are {n_real} real and {n_fake} fake ones: measure on more, change its settings or leave it out"
            )
        if self.needs_probabilities and not classifies:
            raise UserError(f"{type(self).__name__}: {NO_PROBABILITIES}")

    def caution(self, num_features: int, n_real: int, n_fake: int) -> str:
        """Warning that belongs to a number from so many samples, empty if there is none."""
        return ""

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        """Check the samples and return the numbers by name.

        Raises:
            UserError: If there are too few samples, or the class probabilities that the metric needs are missing.
        """
        self.check(fake.features.shape[1], len(real), len(fake), classifies=fake.probabilities is not None)
        return self.compute(real, fake)

    @abstractmethod
    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """Numbers by name, from samples that were checked to be large enough."""


def seeded(seed: int, purpose: str) -> Generator:
    """Random generator for one purpose of a metric, on the CPU so that every device draws the same numbers."""
    return Generator().manual_seed(hashed_seed(seed, "metrics", purpose))


def require_at_least(least: float, **settings: float) -> None:
    """Check that each of the settings is at least ``least``.

    Raises:
        UserError: If one of them is less.
    """
    for name, value in settings.items():
        if value < least:
            raise UserError(f"{name} of a metric is {value}, but must be at least {least}")
