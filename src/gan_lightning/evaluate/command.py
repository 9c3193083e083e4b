"""The command ``evaluate.py``: it measures a generator, or a folder of images, against real images."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import torch

from gan_lightning.config.options import read_options
from gan_lightning.data import ImageDataModule
from gan_lightning.data.sets.toy import Mixture
from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.errors import UserError
from gan_lightning.evaluate.held_out import held_out as held_out_images
from gan_lightning.evaluate.held_out import that_can_be_measured
from gan_lightning.evaluate.points import mode_numbers
from gan_lightning.evaluate.real_and_evaluator import Against, evaluator_of, measured_against
from gan_lightning.evaluate.source import Contenders, ImageFiles, Source, source_at
from gan_lightning.evaluate.table import Column, table
from gan_lightning.evaluate.translating import translated_columns
from gan_lightning.parallel.devices import device_named, threads_for
from gan_lightning.quality import Evaluator, real_images
from gan_lightning.runs.records import append_lines
from gan_lightning.terminal import mistakes_in_one_line, patient_output

PROGRAM = "evaluate.py"
RECORD_VERSION = 1
WEIGHTS: Mapping[str, tuple[str, ...]] = {"both": ("averaged", "raw"), "averaged": ("averaged",), "raw": ("raw",)}


@dataclass(frozen=True)
class Evaluate:
    """Measure a trained generator, or a folder of images, against real images."""

    source: Annotated[str, "a run folder, a checkpoint, what export.py wrote, or images: a folder, zip or .npz"]
    against: Annotated[
        str | None,
        "the real images: a run folder for its data, or a folder, zip or .npz; null: those of the source's run",
    ] = None
    evaluator: Annotated[
        str | None,
        "digits, mnist, cifar10, inception or a yaml of yours; null: that of the run, or of the one against=",
    ] = None
    extractor: Annotated[dict[str, Any], "changes of the extractor, such as extractor.weights=FILE"] = field(
        default_factory=dict
    )
    metrics: Annotated[
        list[str] | None, "only these, such as [fid,kid], and no error bars; null: all that the evaluator has"
    ] = None
    checkpoint: Annotated[Literal["last", "best"], "which one of a run folder"] = "last"
    weights: Annotated[Literal["both", "averaged", "raw"], "of the generator"] = "both"
    split: Annotated[Literal["train", "test"] | None, "of the real images; null: as the evaluator has it"] = None
    n_fake: Annotated[int | None, "generated images; null: as the evaluator has it"] = None
    seed: Annotated[int | None, "of latents and labels; null: as the evaluator has it"] = None
    errors: Annotated[bool, "error bars, the noise floor, the gap to held-out images, the test for copies"] = True
    data: Annotated[dict[str, Any], "where the real images are now, such as data.data_dir=../datasets"] = field(
        default_factory=dict
    )
    resolution: Annotated[int | None, "pixels a side, for real images in a folder; null: those of the source"] = None
    batch_size: Annotated[int | None, "images at a time; null: as the evaluator has it"] = None
    device: Annotated[str, "auto, cpu, cuda, cuda:1 or mps"] = "auto"
    threads: Annotated[int | None, "CPU threads; null: all cores"] = None
    allow: Annotated[list[str], "modules of your own that a run's configuration names"] = field(default_factory=list)


OF_IMAGES = ("evaluator", "extractor", "metrics", "split", "batch_size")
"""Options that have no meaning for points, because only images are measured by an evaluator."""
OF_GENERATORS = ("checkpoint", "weights", "n_fake", "seed")
"""Options that have no meaning for images that exist already."""


def main() -> None:
    """Entry point of ``evaluate.py`` and ``gan-evaluate``."""
    with patient_output(), mistakes_in_one_line():
        evaluate(read_options(Evaluate, PROGRAM, sys.argv[1:]))


def evaluate(options: Evaluate) -> list[dict[str, Any]]:
    """Measure, print the table, append one record for each number, and return the records.

    Raises:
        UserError: If what was asked for can't be measured, in which case no record is written, or if the records can't
            be written.
    """
    started = time.monotonic()
    torch.set_num_threads(threads_for(1, options.threads))
    device = device_named(options.device)
    source = source_at(Path(options.source), options.checkpoint)
    if source.stored is None:
        for name in _given(options, OF_GENERATORS):
            raise UserError(f"{name}= is for a generator, and {source.path} holds images: all of them are measured.")
    against = measured_against(options.against, source, options.data, options.resolution, options.allow)
    directions = source.directions(options.allow)
    measure = of_points if isinstance(against.data, Mixture) else of_translations if directions else of_images
    columns, summary = measure(options, source, against, device)
    records = [
        {"v": RECORD_VERSION, **column.facts, **number.to_dict()} for column in columns for number in column.numbers
    ]
    print(table({column.name: column.numbers for column in columns}), summary, sep="\n", flush=True)
    append_lines(source.records, records)  # after the table, so that the numbers are not lost if this fails
    print(f"{time.monotonic() - started:.0f} s, recorded in {source.records}")
    return records


def of_images(options: Evaluate, source: Source, against: Against, device: torch.device) -> tuple[list[Column], str]:
    """The numbers of images, measured on the features of an extractor, and one line on what was measured.

    Args:
        options: The options of the command.
        source: The generators or images to measure.
        against: The real images to measure against.
        device: The device to measure on.

    Raises:
        UserError: If the evaluator is not known, or if these images can't be measured by it.
    """
    data = against.data
    if not isinstance(data, ImageDataModule | TranslationDataModule):
        raise UserError(f"{type(data).__name__} has no images to measure against.")
    config = source.config or against.config
    evaluator = evaluator_of(options.evaluator, options.extractor, _changes(options), config, options.allow)
    evaluator = chosen(evaluator, options.metrics, options.errors)
    for name in evaluator.translated if options.metrics is not None else ():
        raise UserError(f"metrics=[{','.join(options.metrics or ())}]: {name} is of runs that translate images.")
    real = real_images(data, evaluator.split)
    held_out = held_out_images(partial(real_images, data), evaluator)
    contenders: Contenders
    if source.stored is None:
        contenders = ImageFiles(source.path, data)
    else:
        contenders = source.generators(WEIGHTS[options.weights], options.allow)
        contenders.require_classes(data)
    n_fake = contenders.count(evaluator)
    if options.metrics is None:
        evaluator = that_can_be_measured(evaluator, len(real), 0 if held_out is None else len(held_out), n_fake)
    else:
        evaluator.check(len(real), n_fake, "metrics= without {}")
    for caution in evaluator.cautions(len(real), n_fake, None if held_out is None else len(held_out), real.side):
        print(f"warning: {caution}", flush=True)
    of_real = evaluator.real(real, device)
    of_held_out = None if held_out is None else evaluator.real(held_out, device)
    columns: list[Column] = []
    for each in contenders.measured(evaluator, real, device):
        protocol = evaluator.protocol(real, len(each.sample), each.generator, each.sampling)
        numbers = evaluator.numbers(of_real, each.sample, protocol)
        numbers += evaluator.further_numbers(of_real, of_held_out, each.sample, protocol)
        columns.append(Column(each.name, numbers, each.facts))
    return columns, (
        f"{n_fake:,} images against {len(real):,} of {real.data} ({real.split}), "
        f"extractor {evaluator.extractor.name} ({evaluator.extractor.hash})"
    )


def of_translations(
    options: Evaluate, source: Source, against: Against, device: torch.device
) -> tuple[list[Column], str]:
    """The numbers of held-out images that a game between two domains translates, and one line on what was measured.

    Args:
        options: The options of the command.
        source: The run or checkpoint to measure.
        against: The data of a run, with held-out images of both domains.
        device: The device to measure on.

    Raises:
        UserError: If these are no such data, or a metric that was asked for can't be measured.
    """
    evaluator = evaluator_of(options.evaluator, options.extractor, _changes(options), source.config, options.allow)
    evaluator = chosen(evaluator, options.metrics, options.errors)
    weights = WEIGHTS[options.weights]
    return translated_columns(source, against.data, evaluator, options.metrics, weights, options.allow, device)


def chosen(evaluator: Evaluator, metrics: Sequence[str] | None, errors: bool) -> Evaluator:
    """The evaluator with the metrics that were asked for, all if that is None, and with error bars only if wanted."""
    if metrics is None and errors:
        return evaluator
    return evaluator.only([*evaluator.metrics, *evaluator.translated] if metrics is None else metrics)


def of_points(options: Evaluate, source: Source, against: Against, device: torch.device) -> tuple[list[Column], str]:
    """The numbers of points and one line on what was measured.

    The numbers are how many of the known modes the generator finds, and which share of its points belongs to one.

    Args:
        options: The options of the command.
        source: The generators to measure.
        against: The mixture, whose modes are known.
        device: The device to draw on.

    Raises:
        UserError: If there is no generator, or an option was given that only images have.
    """
    data = against.data
    assert isinstance(data, Mixture)
    if source.stored is None:
        raise UserError(f"{source.path} holds images, and {type(data).__name__} points.")
    for name in _given(options, OF_IMAGES):
        raise UserError(f"{name}= is for images: of points the modes and the share of high quality are measured.")
    columns = []
    generators = source.generators(WEIGHTS[options.weights], options.allow)
    for weights, trained in generators.by_weights.items():
        numbers = mode_numbers(trained, data, options.n_fake, options.seed, device)
        columns.append(Column(weights, numbers, generators.facts(trained)))
    n_fake = columns[0].numbers[0].protocol.n_fake
    return columns, f"{n_fake:,} points against the {len(data.centers)} modes of {type(data).__name__}"


def _given(options: Evaluate, names: Sequence[str]) -> list[str]:
    """The names among ``names`` of those options that differ from their defaults."""
    defaults = asdict(Evaluate(options.source))
    return [name for name in names if getattr(options, name) != defaults[name]]


def _changes(options: Evaluate) -> dict[str, Any]:
    names = ("split", "n_fake", "seed", "batch_size")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}
