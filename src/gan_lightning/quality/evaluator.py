"""The evaluator, which measures generated images against real ones and gives each number its protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.images import QUANTISATION
from gan_lightning.metrics import Bootstrap, HeldOutMetric, Metric, Sample, TranslationMetric
from gan_lightning.metrics.extractors import Extractor
from gan_lightning.parallel.gathering import share
from gan_lightning.progress import counted, counted_images
from gan_lightning.quality.fakes import SAMPLING, Fakes
from gan_lightning.quality.fitting import chosen, reasons_against, without
from gan_lightning.quality.real import RealImages, extract, gathered
from gan_lightning.runs.protocol import Protocol
from gan_lightning.runs.provenance import versions
from gan_lightning.types import Labels

PACKAGES = ("gan-lightning", "torch")


@dataclass(frozen=True)
class Number:
    """A measured number, with its name and the protocol by which it was measured."""

    name: str
    value: float
    protocol: Protocol

    def to_dict(self) -> dict[str, Any]:
        """The number as plain values, for JSON."""
        return {"name": self.name, "value": self.value, "protocol": self.protocol.to_dict()}


class Evaluator:
    """An extractor, the metrics, and how many images of which split they are measured on.

    Args:
        extractor: Turns images into features and class probabilities.
        metrics: Metrics of real against fake images, by name.
        held_out: Metrics that also need images that were not trained on, by name.
        errors: Standard errors of metrics, by name: :class:`gan_lightning.metrics.Bootstrap` around another metric.
        translated: Metrics of held-out images that a game between two domains translates, by name.
        n_fake: Number of generated images; of held-out images that are translated the largest number.
        split: Split of the real images: train, as for published numbers, or test.
        seed: Seed of the latents and labels.
        batch_size: Number of images that are computed at a time.
    """

    def __init__(
        self,
        extractor: Extractor,
        metrics: Mapping[str, Metric],
        *,
        held_out: Mapping[str, HeldOutMetric] | None = None,
        errors: Mapping[str, Bootstrap] | None = None,
        translated: Mapping[str, TranslationMetric] | None = None,
        n_fake: int = 10_000,
        split: str = "train",
        seed: int = 0,
        batch_size: int = 256,
    ) -> None:
        for name, value in (("n_fake", n_fake), ("batch_size", batch_size)):
            if value < 1:
                raise UserError(f"evaluator.{name}={value}: give at least 1.")
        if split not in ("train", "test"):
            raise UserError(f"evaluator.split={split}: take train or test.")
        self.extractor = extractor
        self.metrics = chosen(metrics)
        self.held_out = chosen(held_out or {})
        self.errors = chosen(errors or {})
        self.translated = chosen(translated or {})
        self.n_fake = n_fake
        self.split = split
        self.seed = seed
        self.batch_size = batch_size

    def only(self, names: Sequence[str]) -> Evaluator:
        """The same evaluator with these metrics alone: held-out metrics and error bars, which take long, are dropped.

        The names are those of ``metrics`` and of ``translated``.

        Raises:
            UserError: If there is no metric of such a name, or none is named.
        """
        known = {**self.metrics, **self.translated}
        if not names:
            raise UserError(f"metrics=[] measures nothing: name some of {', '.join(known)}.")
        for name in names:
            if name not in known:
                asked = ",".join(names)
                raise UserError(f"There is no metric {name!r} for metrics=[{asked}]: there are {', '.join(known)}.")
        metrics = {name: self.metrics[name] for name in names if name in self.metrics}
        translated = {name: self.translated[name] for name in names if name in self.translated}
        return self._with(metrics, {}, {}, translated)

    def translating(self, translated: Mapping[str, TranslationMetric]) -> Evaluator:
        """The same evaluator with these metrics of translated images."""
        return self._with(self.metrics, self.held_out, self.errors, translated)

    def fitting(self, n_real: int, n_held_out: int, n_fake: int) -> tuple[Evaluator, dict[str, str]]:
        """The evaluator with what can be measured, and the reason for each metric that is left out, by name.

        A metric is left out if it needs more images or another extractor.

        Args:
            n_real: Number of images to measure against.
            n_held_out: Number of other images that were not trained on. If there are none, the metrics that need them
                are left out without a reason.
            n_fake: Number of images to measure.

        Raises:
            UserError: If no metric is left.
        """
        bad = reasons_against(self.extractor, self.metrics, n_real, n_fake)
        bad_errors = reasons_against(self.extractor, self.errors, n_real, n_fake)
        held_out = self.held_out if n_held_out else {}
        bad_held_out = reasons_against(self.extractor, held_out, n_real, n_held_out, n_fake)
        if not (metrics := without(self.metrics, bad)):
            raise UserError(next(iter(bad.values()), "evaluator.metrics has no metric."))
        left_out = {
            **bad,
            **{f"errors of {name}": reason for name, reason in bad_errors.items()},
            **{f"held_out.{name}": reason for name, reason in bad_held_out.items()},
        }
        held_out, errors = without(held_out, bad_held_out), without(self.errors, bad_errors)
        return self._with(metrics, held_out, errors, self.translated), left_out

    def cautions(self, n_real: int, n_fake: int, n_held_out: int | None = None, side: int = 0) -> list[str]:
        """Warnings that belong to numbers from so many images, whose shorter side has ``side`` pixels."""
        found = [_of_detail(side, self.extractor)]
        found += [each.caution(self.extractor.num_features, n_real, n_fake) for each in self.metrics.values()]
        if n_held_out is not None:
            fewer = [name for name, each in self.held_out.items() if each.num_fakes(n_held_out, n_fake) < n_fake]
            found += [_of_fewer(fewer, n_held_out, n_fake)] if fewer else []
        return [caution for caution in found if caution]

    def real(self, images: RealImages, device: torch.device, report: bool = True) -> Sample:
        """Features and probabilities of the real images, looked up if they have been computed before."""
        return images.sample(self.extractor.to(device), device, self.batch_size, report)

    def fake(self, fakes: Fakes, generator: nn.Module, device: torch.device, report: bool = True) -> Sample:
        """Features and probabilities of all generated images, of which each process makes a share and gets all."""
        mine = share(fakes.count, fakes.batch_size)
        drawn = mine or range(1)  # a process without a share makes one image, to know the shapes of what others send
        batches = fakes.batches(generator, device, drawn)
        part = extract(self.extractor.to(device), counted_images(batches, len(drawn), "fakes", report))
        return replace(gathered([part], len(mine), fakes.count, device), labels=self._asked(fakes, device))

    def _asked(self, fakes: Fakes, device: torch.device) -> Labels | None:
        """The class that each image was asked to show, by the extractor's numbers; None if it lacks one of them."""
        known: Sequence[str] = getattr(self.extractor, "class_names", ())
        if (labels := fakes.asked()) is None or not fakes.class_names or not set(fakes.class_names) <= set(known):
            return None
        numbers: Labels = torch.tensor([known.index(name) for name in fakes.class_names], device=device)
        return numbers[labels.to(device)]

    def protocol(self, real: RealImages, n_fake: int, generator: str, sampling: str = SAMPLING) -> Protocol:
        """The protocol that all numbers of these images have in common.

        Args:
            real: The real images that are measured against.
            n_fake: Number of images that are measured.
            generator: Origin of these images: averaged or raw for the weights of a generator, or files.
            sampling: Description of how these images were drawn.
        """
        return Protocol(
            extractor=self.extractor.name,
            extractor_hash=self.extractor.hash,
            data=real.data,
            split=real.split,
            data_hash=real.hash,
            n_real=len(real),
            n_fake=n_fake,
            resize=self.extractor.resize,
            quantisation=QUANTISATION,
            generator=generator,
            sampling=sampling,
            seed=self.seed,
            versions=versions(PACKAGES),
        )

    def check(self, n_real: int, n_fake: int, do_without: str) -> None:
        """Check before anything is computed that every metric has enough images and a suitable extractor.

        Args:
            n_real: Number of images to measure against.
            n_fake: Number of images to measure.
            do_without: Words that a user can type to leave a metric out, with ``{}`` for its name.

        Raises:
            UserError: If a metric needs more; the message says how to leave it out.
        """
        if bad := reasons_against(self.extractor, self.metrics, n_real, n_fake):
            name, reason = next(iter(bad.items()))
            raise UserError(f"{reason}: {do_without.format(name)}.")

    def numbers(self, real: Sample, fake: Sample, protocol: Protocol, report: bool = True) -> list[Number]:
        """Numbers of all metrics of these two samples."""
        metrics = counted(self.metrics, "metrics", report)
        return list(_numbers(metrics, protocol, lambda metric: metric(real, fake)))

    def further_numbers(self, real: Sample, held_out: Sample | None, fake: Sample, protocol: Protocol) -> list[Number]:
        """Numbers of all error bars and, if there are held-out images, of the metrics that need them."""
        errors = counted(self.errors, "error bars", report=True)
        numbers = list(_numbers(errors, protocol, lambda metric: metric(real, fake)))
        if held_out is not None:
            metrics = counted(self.held_out, "held-out images", report=True)
            for each in metrics:
                of = replace(protocol, n_fake=each.num_fakes(len(held_out), len(fake)))
                numbers += _numbers([each], of, lambda metric: metric(real, held_out, fake))
        return numbers

    def name_of(self, number: str) -> str:
        """The name by which the metric is chosen that gives a number, whose name is one of :meth:`better`."""
        metrics: dict[str, Metric | TranslationMetric] = {**self.metrics, **self.translated}
        return next(name for name, metric in metrics.items() if number in metric.better)

    def better(self) -> dict[str, str]:
        """Direction in which each number improves by which a run can be judged, lower or higher, by name."""
        metrics: list[Metric | TranslationMetric] = [*self.metrics.values(), *self.translated.values()]
        return {name: way for metric in metrics for name, way in metric.better.items()}

    def _with(
        self,
        metrics: Mapping[str, Metric],
        held_out: Mapping[str, HeldOutMetric],
        errors: Mapping[str, Bootstrap],
        translated: Mapping[str, TranslationMetric],
    ) -> Evaluator:
        return Evaluator(
            self.extractor,
            metrics,
            held_out=held_out,
            errors=errors,
            translated=translated,
            n_fake=self.n_fake,
            split=self.split,
            seed=self.seed,
            batch_size=self.batch_size,
        )


def _numbers(
    metrics: Iterable[Any], protocol: Protocol, measured: Callable[[Any], dict[str, float]]
) -> Iterator[Number]:
    for metric in metrics:
        by = replace(protocol, metric=repr(metric))  # as measured_by, but of held-out metrics, too
        yield from (Number(name, value, by) for name, value in measured(metric).items())


def _of_detail(side: int, extractor: Extractor) -> str:
    """Warn if the extractor sees images at half their size or less; empty if it does not say at which size."""
    seen = getattr(extractor, "side", None)
    if seen is None or side < 2 * seen:
        return ""
    return (
        f"images of {side} pixels are measured by {extractor.name} at {seen}, so that finer detail does not count: "
        "train an extractor on your own pictures (docs/extractors.md), or take evaluator=inception"
    )


def _of_fewer(names: Sequence[str], n_held_out: int, n_fake: int) -> str:
    return (
        f"{', '.join(names)} of {n_held_out:,} held-out images beside numbers of {n_fake:,}: FID is higher for "
        f"fewer images, so compare it with n_fake={n_held_out}"
    )
