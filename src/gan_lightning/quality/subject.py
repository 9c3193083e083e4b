"""What is measured of a game: images drawn from latents, or held-out images translated from one domain to another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.metrics import Metric, Sample, TranslationMetric
from gan_lightning.quality.evaluator import Evaluator, Number
from gan_lightning.quality.fakes import SAMPLING, Fakes
from gan_lightning.quality.real import RealImages
from gan_lightning.runs.protocol import Protocol

SUFFIXES = ("_b2a",)
"""Ending of the names of the numbers of a second direction."""
ERROR = "_error"
"""Ending of the name of a standard error, behind every other ending."""


class Seen(NamedTuple):
    """What a measurement needs to know of the images that a game makes."""

    sample: Sample
    """The extractor's features of the images."""
    values: Mapping[str, float]
    """The numbers of metrics of translated images, by the names of the metrics."""


class Subject(ABC):
    """One kind of images that a game makes, with the real images that they are measured against."""

    real: RealImages
    """The real images."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of images that are made."""

    @property
    def suffix(self) -> str:
        """Ending of the names of the numbers, such as "_b2a"; empty if there is only one direction."""
        return ""

    @property
    def sampling(self) -> str:
        """Description of how the images are made, for the protocol."""
        return SAMPLING

    @abstractmethod
    def reason_against(self, metric: TranslationMetric, evaluator: Evaluator) -> str:
        """Reason why a metric of translated images can't be measured here, empty if it can."""

    @abstractmethod
    def seen(
        self, evaluator: Evaluator, networks: Mapping[str, nn.Module], device: torch.device, report: bool = True
    ) -> Seen:
        """Make all images, of which each process makes a share, and look at them.

        Args:
            evaluator: The evaluator, whose metrics of translated images can all be measured here.
            networks: The generators by name; of one that draws from latents the first is taken.
            device: The device of the generators.
            report: Whether progress bars are shown.

        Raises:
            Diverged: If an image is not finite.
        """

    def protocol_of(self, metric: Metric | TranslationMetric, evaluator: Evaluator, weights: str) -> Protocol:
        """The protocol of a metric's numbers, for one kind of weights."""
        return evaluator.protocol(self.real, self.count, weights, self.sampling).measured_by(metric)

    def numbers(
        self, evaluator: Evaluator, of_real: Sample, seen: Seen, weights: str, report: bool = True
    ) -> list[Number]:
        """All numbers by which a run can be judged, for one kind of weights."""
        common = evaluator.protocol(self.real, self.count, weights, self.sampling)
        found = evaluator.numbers(of_real, seen.sample, common, report)
        for name, metric in evaluator.translated.items():
            protocol = self.protocol_of(metric, evaluator, weights)
            found += [Number(number, seen.values[name], protocol) for number in metric.better]
        return self.named(found)

    def further_numbers(
        self, evaluator: Evaluator, of_real: Sample, of_held_out: Sample | None, seen: Seen, weights: str
    ) -> list[Number]:
        """Error bars and, if there are held-out images, the numbers that need them."""
        common = evaluator.protocol(self.real, self.count, weights, self.sampling)
        return self.named(evaluator.further_numbers(of_real, of_held_out, seen.sample, common))

    def named(self, numbers: Iterable[Number]) -> list[Number]:
        """The numbers with the subject's suffix in their names."""
        return [replace(number, name=with_suffix(number.name, self.suffix)) for number in numbers]


@dataclass(frozen=True)
class Drawn(Subject):
    """Images that a generator draws from latents.

    Args:
        game: Name of the game, for messages.
        fakes: The latents and labels.
        real: The real images.
    """

    game: str
    fakes: Fakes
    real: RealImages

    @property
    def count(self) -> int:
        """Number of images that are drawn."""
        return self.fakes.count

    def reason_against(self, metric: TranslationMetric, evaluator: Evaluator) -> str:
        """It translates nothing."""
        return f"{self.game} draws images from latents and translates none"

    def seen(
        self, evaluator: Evaluator, networks: Mapping[str, nn.Module], device: torch.device, report: bool = True
    ) -> Seen:
        """Draw the images and look at them."""
        return Seen(evaluator.fake(self.fakes, next(iter(networks.values())), device, report), {})


def with_suffix(number: str, suffix: str) -> str:
    """The name of a number of another direction: fid_b2a, fid_b2a_error, class_share_b2a/3."""
    first, slash, rest = number.partition("/")
    base = first.removesuffix(ERROR)
    return f"{base}{suffix}{first[len(base) :]}{slash}{rest}"


def without_suffix(number: str) -> str:
    """The name that a number of another direction would have in the first one."""
    return next((number.removesuffix(suffix) for suffix in SUFFIXES if number.endswith(suffix)), number)


def fitting_translations(
    evaluator: Evaluator, subjects: Sequence[Subject], required: Iterable[str], option: str
) -> tuple[Evaluator, dict[str, str]]:
    """The evaluator without the metrics of translated images that can't be measured, and the reasons by their names.

    Args:
        evaluator: The evaluator.
        subjects: All that will be measured.
        required: Names of metrics that were asked for.
        option: The option by which they were asked for, for the message.

    Raises:
        UserError: If a metric that was asked for can't be measured.
    """
    reasons = {}
    for name, metric in evaluator.translated.items():
        against = filter(None, (subject.reason_against(metric, evaluator) for subject in subjects))
        if reason := next(against, ""):
            reasons[name] = reason
    for name in required:
        if name in reasons:
            raise UserError(f"{option}: {name} can't be measured, because {reasons[name]}.")
    kept = {name: metric for name, metric in evaluator.translated.items() if name not in reasons}
    return evaluator.translating(kept), reasons
