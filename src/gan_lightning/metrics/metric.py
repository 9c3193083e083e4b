"""What a metric is given and what it gives back: the contract by which a config chooses metrics."""

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
    """What an extractor says of N images: features [N F] and, where it classifies, class probabilities [N K].

    Metrics compute in float64 on the tensors' own device, which must have it (Apple's MPS has not).
    """

    features: Tensor
    probabilities: Tensor | None = None

    def __post_init__(self) -> None:
        """Check what a user's own extractor can get wrong.

        Raises:
            UserError: for values that are no numbers, or features and probabilities that don't fit together.
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
        """Mean and covariance of the features, computed once."""
        return Moments.of(self.features)

    @property
    def class_probabilities(self) -> Probabilities:
        """The probabilities, for the metrics that need them.

        Raises:
            UserError: if the extractor has none.
        """
        if self.probabilities is None:
            raise UserError(NO_PROBABILITIES)
        return self.probabilities

    def rows(self, indices: Int[Tensor, " M"]) -> Sample:
        """The images with these indices; one may stand there more than once."""
        indices = indices.to(self.features.device)
        probabilities = None if self.probabilities is None else self.probabilities[indices]
        return Sample(self.features[indices], probabilities)

    def subset(self, count: int, random: Generator) -> Sample:
        """``count`` different images drawn at random, or all where there are no more."""
        return self.rows(torch.randperm(len(self), generator=random)[:count]) if count < len(self) else self


class Metric(ABC):
    """A metric: two samples -> its numbers by name. Derive a frozen dataclass of settings.

    The ``repr`` names the settings that two numbers must share to be compared (:meth:`Protocol.measured_by`); a seed,
    which need not agree, is declared with ``field(repr=False)``.
    """

    better: ClassVar[Mapping[str, Better]] = {}
    """The numbers that a run can be judged by, and which way they improve."""

    @property
    def needs_probabilities(self) -> bool:
        """Whether the extractor must classify."""
        return False

    def least_samples(self, num_features: int) -> int:
        """How many samples of each kind it needs; 2 unless it says otherwise."""
        return 2

    def check(self, num_features: int, n_real: int, n_fake: int, *, classifies: bool) -> None:
        """Tell before anything is generated whether the samples will do.

        Raises:
            UserError: if there are too few, or the extractor does not classify and must.
        """
        if min(n_real, n_fake) < (least := self.least_samples(num_features)):
            raise UserError(
                f"{type(self).__name__} needs at least {least} samples of each kind (on {num_features} features), and "
                f"there are {n_real} real and {n_fake} fake ones: measure on more, change its settings or leave it out"
            )
        if self.needs_probabilities and not classifies:
            raise UserError(f"{type(self).__name__}: {NO_PROBABILITIES}")

    def caution(self, num_features: int, n_real: int, n_fake: int) -> str:
        """What to bear in mind of a number of so many samples; empty where there is nothing."""
        return ""

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        """Measure.

        Raises:
            UserError: for too few samples, or without the class probabilities that it needs.
        """
        self.check(fake.features.shape[1], len(real), len(fake), classifies=fake.probabilities is not None)
        return self.compute(real, fake)

    @abstractmethod
    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        """The numbers, of samples that are large enough."""


def seeded(seed: int, purpose: str) -> Generator:
    """Random numbers of a metric's own: on the CPU, so that every device draws the same."""
    return Generator().manual_seed(hashed_seed(seed, "metrics", purpose))


def require_at_least(least: float, **settings: float) -> None:
    """Check settings at the door.

    Raises:
        UserError: for one that is below ``least``.
    """
    for name, value in settings.items():
        if value < least:
            raise UserError(f"{name} of a metric is {value}, but must be at least {least}")
