"""The verb ``export.py``: a generator as files for others, each of them checked against the trained generator."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from gan_lightning.config.near_matches import did_you_mean
from gan_lightning.config.options import read_options
from gan_lightning.errors import UserError
from gan_lightning.export import translator
from gan_lightning.export.card import PICTURE, SLUG, Card
from gan_lightning.export.programs import (
    FORMATS,
    Inputs,
    Interface,
    drawing,
    largest_difference,
    one_by_one,
    translating,
)
from gan_lightning.export.translator import TranslatorCard
from gan_lightning.generate.sampler import Sampler, SeedDraw
from gan_lightning.generate.seeds_and_classes import Wanted
from gan_lightning.images import QUANTISATION, grid, save_png
from gan_lightning.runs.exported import write_config, write_tensors
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.loading import Trained, load, stored_at
from gan_lightning.runs.provenance import versions
from gan_lightning.terminal import mistakes_in_one_line, patient_output

BORNE = 1e-4
"""Largest difference of a pixel in [-1, 1] from the generator's, 0.013 grey levels, that is always accepted."""
TIMES_ITS_OWN = 4
"""Factor on the difference between the generator's own images drawn in a batch and drawn one by one.

Up to this many times that difference is accepted too: sums of thousands of float32 products depend on their order, in
torch as in every other program, and the differences grow from layer to layer.
"""
BATCHES = ((0,), (1, 2), tuple(range(3, 10)))
"""Seeds of the batches that are compared: one of a single image, one of the size that was traced, one of another."""
SAMPLES, COLUMNS = 64, 8


@dataclass(frozen=True)
class Export:
    """Write a generator as files for others to use: weights, programs, a model card."""

    source: Annotated[str, "a run folder or a checkpoint"]
    to: Annotated[str | None, "a new folder; null: export in the run folder"] = None
    formats: Annotated[list[str], "beside the weights: torch (generator.pt2), onnx (generator.onnx)"] = field(
        default_factory=lambda: ["torch"]
    )
    checkpoint: Annotated[Literal["last", "best"], "which checkpoint of a run folder"] = "last"
    direction: Annotated[str | None, "which generator, if a run has several, such as b2a; null: the first"] = None
    raw: Annotated[bool, "use the weights themselves and not their moving average (EMA)"] = False
    license: Annotated[str, "as the Hugging Face hub writes it, such as apache-2.0"] = "unknown"
    allow: Annotated[list[str], "modules of your own that the run's configuration names"] = field(default_factory=list)


def main() -> None:
    """Entry point of ``export.py`` and ``gan-export``."""
    with patient_output(), mistakes_in_one_line():
        export(read_options(Export, "export.py", sys.argv[1:]))


def export(options: Export) -> Path:
    """Write the folder of an export and return it.

    It is written only if every file, read back, draws the images that the generator draws.

    Raises:
        UserError: If this can't be done, or if a file draws other images; nothing is left behind then.
    """
    check_formats(options)
    stored = stored_at(Path(options.source), options.checkpoint)
    trained = stored.trained(averaged=not options.raw, allow=options.allow, name=options.direction)
    if not trained.config:
        raise UserError(f"{options.source} is an export already: give the run folder.")
    run = RunFolder.around(Path(options.source))
    target = Path(options.to) if options.to else run.exported
    write = write_drawing if trained.prior is not None else write_translating
    with whole_or_not_at_all(target) as folder:
        card = write(trained, run, options, folder)
        (folder / "README.md").write_text(card.text(), encoding="utf-8")
    print(f"exported to {target}", flush=True)
    return target


def write_drawing(trained: Trained, run: RunFolder, options: Export, folder: Path) -> Card:
    """Write a generator that draws from latents, and return its card."""
    sampler = Sampler(trained, torch.device("cpu"))
    sampler.try_out()
    print(trained.description(), flush=True)
    wanted = [Wanted(seed, label) for seed, label in enumerate(sampler.labels(range(SAMPLES)))]
    samples = torch.cat(list(sampler.draw(wanted)))
    save_png(grid(samples, COLUMNS), folder / PICTURE)
    config = configuration(sampler, samples.shape[1:])
    write_config(folder, config)
    write_tensors(folder, trained.generator.state_dict())
    batches = [_inputs(sampler, seeds) for seeds in BATCHES]
    differences = compared(trained, batches, drawing(batches[1]), options, folder)
    write_config(folder, {**config, "differences": differences})
    return Card(trained, run, differences, samples.shape[1:], SAMPLES, options.license)


def write_translating(trained: Trained, run: RunFolder, options: Export, folder: Path) -> Card:
    """Write a generator from images to images, and return its card."""
    print(trained.description(), flush=True)
    config = translator.configuration(trained, options.direction)
    write_config(folder, config)
    write_tensors(folder, trained.generator.state_dict())
    interface = translating(translator.multiple_of(trained.generator))
    differences = compared(trained, translator.inputs(trained.generator), interface, options, folder)
    write_config(folder, {**config, "differences": differences})
    sheets = int(translator.copy_sheet(run, folder))
    return TranslatorCard(trained, run, differences, (), sheets, options.license)


def check_formats(options: Export) -> None:
    """Refuse formats that do not exist, and licences in a form that the hub does not accept.

    Raises:
        UserError: If there is one; the message names the option.
    """
    for name in options.formats:
        if name not in FORMATS:
            hint = did_you_mean(str(name), FORMATS, most=1, alike=0.5)
            raise UserError(f"formats={options.formats}: there is no {name!r}.{hint} Choices: {', '.join(FORMATS)}.")
    if not SLUG.fullmatch(options.license):
        raise UserError(f"license={options.license!r}: write it as the hub does, such as mit, apache-2.0 or cc-by-4.0.")


def configuration(sampler: Sampler, shape: Sequence[int]) -> dict[str, Any]:
    """The content of ``config.json``: all that is needed to draw images, and where the generator came from."""
    trained = sampler.trained
    channels, height, _ = shape
    return {
        **trained.nodes,
        "weights": trained.weights,
        "sha256": trained.sha256(),
        "trained": dict(trained.counters),
        "latent_dim": trained.latent_dim,
        "num_classes": trained.num_classes,
        "class_names": list(trained.class_names) if trained.num_classes else [],
        "channels": channels,
        "resolution": height,
        "range": [-1, 1],
        "bytes": QUANTISATION,
        "seed_offsets": {purpose: SeedDraw(()).offset(purpose) for purpose in ("z", "class")},
        "versions": versions(("gan-lightning", "torch")),
    }


def compared(
    trained: Trained, batches: Sequence[Inputs], interface: Interface, options: Export, folder: Path
) -> dict[str, float]:
    """Write the programs, and return by format the largest difference of a pixel between the file and the generator.

    Raises:
        UserError: If a difference is larger than is accepted.
    """
    generator = trained.generator
    programs: dict[str, Callable[..., Tensor]] = {
        "safetensors": load(folder, averaged=not options.raw, allow=options.allow)
    }
    programs |= {name: FORMATS[name](generator, batches[1], interface, folder) for name in options.formats}
    borne = max(BORNE, TIMES_ITS_OWN * largest_difference(generator, one_by_one(generator), batches))
    differences = {}
    for name, program in programs.items():
        differences[name] = difference = largest_difference(generator, program, batches)
        print(f"{name}: largest difference {difference:.2g} of a pixel in [-1, 1]", flush=True)
        if not difference <= borne:  # NaN is refused too
            raise UserError(
                f"{name} draws other images: {difference:.2g} off, but only {borne:.2g} is accepted. Not exported."
            )
    return differences


@contextmanager
def whole_or_not_at_all(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``target`` at the end, or is removed with its content if something fails.

    Raises:
        UserError: If ``target`` holds files already, or if it can't be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if target.exists() and any(target.iterdir()):
            raise UserError(f"{target} holds files already: remove it, or name another folder with to=.")
        temporary.mkdir(parents=True)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise UserError(f"Can't write {target}: {error.strerror}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _inputs(sampler: Sampler, seeds: Sequence[int]) -> Inputs:
    labels = [label for label in sampler.labels(seeds) if label is not None]
    return (sampler.latents(seeds), torch.tensor(labels)) if labels else (sampler.latents(seeds),)
