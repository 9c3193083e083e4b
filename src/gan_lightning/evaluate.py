"""The verb ``evaluate.py``: a generator, or a folder of images, measured against real images."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch

from gan_lightning.callbacks.quality import real_images
from gan_lightning.checkpoint import BEST, LAST
from gan_lightning.data import ImageDataModule
from gan_lightning.data.folder import Folder
from gan_lightning.devices import threads_for
from gan_lightning.errors import UserError
from gan_lightning.evaluating.choice import data_against, evaluator_of, is_run
from gan_lightning.evaluating.table import table
from gan_lightning.finetune import checkpoint_in
from gan_lightning.jsonlines import append_lines
from gan_lightning.loading import load_trained
from gan_lightning.metrics import Sample
from gan_lightning.mistakes import mistakes_in_one_line
from gan_lightning.options import read_options
from gan_lightning.outputs import device_named, home_of
from gan_lightning.quality import Evaluator, Fakes, Number, RealImages

PROGRAM = "evaluate.py"
RECORDS = "evaluations.jsonl"
RECORD_VERSION = 1
WEIGHTS: Mapping[str, tuple[str, ...]] = {"both": ("averaged", "raw"), "averaged": ("averaged",), "raw": ("raw",)}


@dataclass(frozen=True)
class Evaluate:
    """Measure a trained generator, or a folder of images, against real images."""

    source: Annotated[str, "a run folder, a checkpoint, or a folder or zip of images"]
    against: Annotated[
        str | None, "the real images: a run folder for its data, or a folder or zip; null: the run's own"
    ] = None
    metrics: Annotated[
        str | None, "digits, mnist, cifar10, inception or a yaml of yours; null: as the run's data have it"
    ] = None
    extractor: Annotated[dict[str, Any], "changes of the extractor, such as extractor.weights=FILE"] = field(
        default_factory=dict
    )
    measures: Annotated[
        list[str] | None, "only these, such as [fid,kid], and no error bars; null: all that the metrics have"
    ] = None
    checkpoint: Annotated[Literal["last", "best"], "which one of a run folder"] = "last"
    weights: Annotated[Literal["both", "averaged", "raw"], "of the generator"] = "both"
    split: Annotated[Literal["train", "test"] | None, "of the real images; null: as the metrics have it"] = None
    n_fake: Annotated[int | None, "generated images; null: as the metrics have it"] = None
    seed: Annotated[int | None, "of latents and labels; null: as the metrics have it"] = None
    errors: Annotated[bool, "error bars, the noise floor, the gap to held-out images, the test for copies"] = True
    data: Annotated[dict[str, Any], "where the real images are now, such as data.data_dir=../datasets"] = field(
        default_factory=dict
    )
    resolution: Annotated[int | None, "pixels a side, for real images in a folder; null: those of the source"] = None
    batch_size: Annotated[int | None, "images at a time; null: as the metrics have it"] = None
    device: Annotated[str, "auto, cpu, cuda, cuda:1 or mps"] = "auto"
    threads: Annotated[int | None, "CPU threads; null: all cores"] = None
    allow: Annotated[list[str], "modules of your own that a run's configuration names"] = field(default_factory=list)


@dataclass(frozen=True)
class Contender:
    """What is measured: images that an extractor has seen, and how a protocol calls them."""

    name: str
    sample: Sample
    facts: Mapping[str, Any]


def main() -> None:
    """Entry point of ``evaluate.py`` and ``gan-evaluate``."""
    with mistakes_in_one_line():
        evaluate(read_options(Evaluate, PROGRAM, sys.argv[1:]))


def evaluate(options: Evaluate) -> list[dict[str, Any]]:
    """Measure, print the table and append one record for each number; gives the records.

    Raises:
        UserError: What was asked for can't be measured; nothing has been written.
    """
    started = time.monotonic()
    torch.set_num_threads(threads_for(1, options.threads))
    source, device = Path(options.source).expanduser(), device_named(options.device)
    of_run = is_run(source)
    file = _checkpoint(source, options.checkpoint) if of_run else source
    config = load_trained(file, allow=options.allow).config if of_run else {}
    evaluator = evaluator_of(options.metrics, options.extractor, _changes(options), config, options.allow)
    if options.measures is not None:
        evaluator = evaluator.only(options.measures)
    data = data_against(options.against, source, config, options.data, options.resolution, options.allow)
    real = real_images(data, evaluator.split)
    if of_run:
        evaluator.check(len(real), evaluator.n_fake)
    held_out = _held_out(data, evaluator) if options.errors else None
    of_real = evaluator.real(real, device)
    of_held_out = None if held_out is None else evaluator.real(held_out, device)
    if of_run:
        contenders = _generators(file, options, evaluator, real, device)
    else:
        contenders = _pictures(source, data, evaluator, device)
    columns: dict[str, list[Number]] = {}
    records: list[dict[str, Any]] = []
    for contender in contenders:
        protocol = evaluator.protocol(real, len(contender.sample), contender.name)
        numbers = evaluator.numbers(of_real, contender.sample, protocol)
        if options.errors:
            numbers += evaluator.further_numbers(of_real, of_held_out, contender.sample, protocol)
        columns[contender.name] = numbers
        records += [{"v": RECORD_VERSION, **contender.facts, **number.to_dict()} for number in numbers]
    target = home_of(file) / RECORDS if of_run or source.is_dir() else source.with_suffix(f".{RECORDS}")
    append_lines(target, records)
    print(table(columns))
    print(_summary(evaluator, real, columns), f"{time.monotonic() - started:.0f} s, recorded in {target}", sep="\n")
    return records


def _checkpoint(source: Path, which: str) -> Path:
    if source.is_file() or which == "last":
        return checkpoint_in(source)
    best = source / "checkpoints" / BEST
    if not best.is_file():
        raise UserError(
            f"checkpoint=best: {best} is missing; callbacks=quality keeps one. {LAST} is there: checkpoint=last."
        )
    return best


def _changes(options: Evaluate) -> dict[str, Any]:
    names = ("split", "n_fake", "seed", "batch_size")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _held_out(data: ImageDataModule, evaluator: Evaluator) -> RealImages | None:
    """Images that were not trained on, where the data have some and they are not what is measured against."""
    if evaluator.split == "test":
        return None
    try:
        return real_images(data, "test")
    except UserError:
        return None


def _generators(
    file: Path, options: Evaluate, evaluator: Evaluator, real: RealImages, device: torch.device
) -> Iterator[Contender]:
    for weights in WEIGHTS[options.weights]:
        trained = load_trained(file, averaged=weights == "averaged", allow=options.allow)
        labels = real.labels if trained.num_classes else None
        if trained.num_classes and labels is None:
            raise UserError(f"{file} draws images of classes, and the real images have none: take the run's own data.")
        fakes = Fakes(trained.prior, trained.latent_dim, labels, evaluator.n_fake, evaluator.seed, evaluator.batch_size)
        sample = evaluator.fake(fakes, trained.generator.to(device), device)
        yield Contender(weights, sample, {"checkpoint": str(file), **trained.counters})


def _pictures(source: Path, data: ImageDataModule, evaluator: Evaluator, device: torch.device) -> Iterator[Contender]:
    folder = Folder(root=str(source), resolution=data.resolution, channels=data.channels, test_share=0.0, batch_size=1)
    folder.prepare_data()
    yield Contender(source.name, evaluator.real(real_images(folder, "train"), device), {"images": str(source)})


def _summary(evaluator: Evaluator, real: RealImages, columns: Mapping[str, Sequence[Number]]) -> str:
    n_fake = next(iter(columns.values()))[0].protocol.n_fake
    return (
        f"{n_fake:,} images against {len(real):,} of {real.data} ({real.split}), "
        f"extractor {evaluator.extractor.name} ({evaluator.extractor.hash})"
    )
