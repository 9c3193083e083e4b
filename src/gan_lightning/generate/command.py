"""The verb ``generate.py``: images of a trained generator by seed and class or out of pictures, and interpolations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import torch

from gan_lightning.config.options import read_options
from gan_lightning.errors import UserError
from gan_lightning.generate.between import between_classes, between_seeds
from gan_lightning.generate.films import FILMS, REQUIRED, Tiles
from gan_lightning.generate.output_folder import new_folder
from gan_lightning.generate.products import Film, Stills, Writable
from gan_lightning.generate.record import origin, origin_of
from gan_lightning.generate.sampler import Sampler
from gan_lightning.generate.seeds_and_classes import every, labels_from, names_in_files, ranges, seeds_from, wanted
from gan_lightning.generate.stills import STILLS
from gan_lightning.generate.training import FEATURES, Training
from gan_lightning.generate.training_film import sheets_as_tiles
from gan_lightning.generate.translating import TrainedTranslator, Translation, pictures_at
from gan_lightning.parallel.devices import device_named, threads_for
from gan_lightning.runs.folder import GeneratedFolder, RunFolder, write_json
from gan_lightning.runs.loading import Trained, stored_at
from gan_lightning.runs.provenance import versions
from gan_lightning.terminal import mistakes_in_one_line, patient_output

IMAGES, KEYS = 64, 4  # defaults of count=: for single images, and for an interpolation between seeds
COLUMNS = 8
LARGEST_GRID = 100  # more images than this are probably meant to be measured and not to be looked at
ON_A_SHEET = 16  # pictures that a sheet shows beside their outputs
WITH_NEIGHBOURS = 16  # images beside which neighbours= shows training images


@dataclass(frozen=True)
class Generate:
    """Draw images from a trained generator."""

    source: Annotated[str, "a run folder, a checkpoint, or a folder that export.py wrote"]
    from_: Annotated[str | None, "pictures for a generator that maps images to images: a file, a folder or a zip"] = (
        None
    )
    direction: Annotated[str | None, "which generator, if a run has several, such as b2a; null: the first"] = None
    background: Annotated[Literal["white", "black"], "of from=: what shows through transparent pixels"] = "white"
    seeds: Annotated[int | str | list[Any] | None, "one seed is one image: 7, 0-63 or [0-9,20,25]"] = None
    count: Annotated[int | None, f"seeds from 0 on; null: {IMAGES}, and {KEYS} to interpolate"] = None
    classes: Annotated[int | str | list[Any] | None, "every seed in each: 3, [3,horse], all; null: by the seed"] = None
    truncation: Annotated[float | None, "limit of |z|: fewer odd images and less variety"] = None
    truncation_w: Annotated[float | None, "for stylegan2: how far styles are from their mean, 1 is as trained"] = None
    checkpoint: Annotated[Literal["last", "best"], "which checkpoint of a run folder"] = "last"
    raw: Annotated[bool, "use the weights themselves and not their moving average (EMA)"] = False
    format: Annotated[
        Literal["png", "npz", "strip", "gif", "mp4"] | None,
        "png or npz, of an interpolation strip, gif or mp4, of film= gif, mp4 or strip; null: the first",
    ] = None
    grid: Annotated[
        bool | None, f"a sheet of the first {IMAGES}, beside the folder; null: of at most {LARGEST_GRID}"
    ] = None
    neighbours: Annotated[int, f"training images shown beside each of the first {WITH_NEIGHBOURS}"] = 0
    near: Annotated[Literal["pixels", "features"], "what makes them neighbours; features: those of the evaluator"] = (
        "pixels"
    )
    data: Annotated[dict[str, Any], "where the training images are now, such as data.data_dir=../datasets"] = field(
        default_factory=dict
    )
    interpolate: Annotated[Literal["seeds", "classes"] | None, "draw what lies between seeds or classes"] = None
    film: Annotated[Literal["training"] | None, "the sheets of a run over time, as a gif, mp4 or strip"] = None
    steps: Annotated[int, "frames from one seed or class to the next"] = 8
    loop: Annotated[bool, "come back to the first seed or class"] = False
    fps: Annotated[int, "frames per second of a gif or mp4"] = 12
    zoom: Annotated[int, "pixels a side for each pixel of a sheet, strip or film"] = 1
    to: Annotated[str | None, "a new or empty folder; null: generated/0, 1, ... in the run folder"] = None
    batch_size: Annotated[int, "images at a time"] = 64
    device: Annotated[str, "cpu, cuda, cuda:1, mps; auto: a GPU where there is one"] = "auto"
    threads: Annotated[int | None, "CPU threads; null: all cores"] = None
    allow: Annotated[list[str], "modules of your own that the run's configuration names"] = field(default_factory=list)


LEAST = {"steps": 1, "fps": 1, "zoom": 1, "batch_size": 1, "neighbours": 0}
"""Smallest values of options that are numbers."""
OF_TRAINING = ("gif", "mp4", "strip")
"""Formats of ``film=training``, the first of which is the default."""
OF_FILMS = ("steps", "loop", "fps")
"""Options that are accepted only with ``interpolate=``."""
OF_STILLS = ("grid", "neighbours", "near")
"""Options that are accepted only without ``interpolate=``."""


OF_SAMPLES = (
    *("seeds", "count", "classes", "truncation", "truncation_w", "format", "neighbours", "near", "data"),
    *("interpolate", "steps", "loop", "fps", "zoom", "batch_size"),
)
"""Options that are accepted only without ``from=``."""
NOT_OF_A_TRAINING = (
    *("from_", "direction", "seeds", "count", "classes", "truncation", "truncation_w", "checkpoint", "raw", "grid"),
    *("neighbours", "near", "data", "interpolate", "steps", "loop", "batch_size", "device", "allow"),
)
"""Options that are accepted only without ``film=training``, which draws nothing anew."""
OF_PICTURES = ("background",)
"""Options that are accepted only with ``from=``."""


def main() -> None:
    """Entry point of ``generate.py`` and ``gan-generate``."""
    with patient_output(), mistakes_in_one_line():
        generate(read_options(Generate, "generate.py", sys.argv[1:]))


def generate(options: Generate) -> Path:
    """Draw the images that are asked for, write them with a record of their origin, and return the folder.

    Raises:
        UserError: If this can't be done. Nothing has been written then, except if the folder can't be written to.
    """
    check_choices(options)
    if options.film is not None:
        return written(options, *training(options))
    torch.set_num_threads(threads_for(1, options.threads))
    stored = stored_at(Path(options.source), options.checkpoint)
    trained = stored.trained(averaged=not options.raw, allow=options.allow, name=options.direction)
    device = device_named(options.device)
    trained.generator.to(device)
    return written(options, *(samples if options.from_ is None else translation)(options, trained, device))


def written(
    options: Generate, product: Writable, asked: Mapping[str, Any], origin_in: Callable[[Path], dict[str, Any]]
) -> Path:
    """Write a product and its record to the folder that the options name, and return the folder.

    Raises:
        UserError: If the folder can't be written to.
    """
    folder = new_folder(options.to, RunFolder.around(Path(options.source)).generated)
    record = GeneratedFolder(folder).record
    try:
        said, found = product.write(folder)
        write_json(record, {**origin_in(folder), **asked, **found})
    except OSError as error:
        raise UserError(f"Can't write in {folder}: {error.strerror}.") from error
    print(*said, f"record in {record}", sep="\n", flush=True)
    return folder


Planned: TypeAlias = tuple[Writable, dict[str, Any], Callable[[Path], dict[str, Any]]]
"""What will be written, its part of the record, and a function that gives the rest of the record for a folder."""


def training(options: Generate) -> Planned:
    """The sheets that a run has drawn while it trained, the last of which stays for a second."""
    source = Path(options.source)
    if not source.is_dir():
        raise UserError(f"film=training is of a run folder, and {source} is none.")
    run = RunFolder(source)
    tiles, iterations = sheets_as_tiles(run)
    kind = options.format or OF_TRAINING[0]
    if kind != "strip":
        tiles = torch.cat([tiles, tiles[:, -1:].expand(-1, options.fps, -1, -1, -1)], 1)
    facts = {"run": run.path.resolve().name, "versions": versions(("gan-lightning",))}
    product = Film(tiles, kind, options.fps, options.zoom, name="training")
    return product, {"film": "training", "iterations": iterations}, lambda folder: dict(facts)


def samples(options: Generate, trained: Trained, device: torch.device) -> Planned:
    """Images drawn from latents."""
    sampler = Sampler(trained, device, options.batch_size, options.truncation, options.truncation_w)
    sampler.try_out()
    print(trained.description(), flush=True)
    product, asked = PRODUCTS[options.interpolate](options, sampler)
    return product, asked, partial(origin, sampler)


def translation(options: Generate, trained: Trained, device: torch.device) -> Planned:
    """What a generator from images to images makes of the pictures at ``from=``."""
    translator = TrainedTranslator(trained, device)
    assert options.from_ is not None
    pictures = pictures_at(options.from_)
    print(trained.description(), flush=True)
    shown = len(pictures.names) <= LARGEST_GRID if options.grid is None else options.grid
    threads = threads_for(1, options.threads)
    product = Translation(translator, pictures, options.background, threads, ON_A_SHEET if shown else 0)
    asked = {"from": Path(options.from_).name, "direction": options.direction}
    return product, asked, partial(origin_of, trained, device)


def check_choices(options: Generate) -> None:
    """Refuse numbers that are too small, and options that would be ignored.

    Raises:
        UserError: If there is such an option; the message names it.
    """
    for name, least in LEAST.items():
        if (value := getattr(options, name)) < least:
            raise UserError(f"{name}={value}: give at least {least}.")
    if options.truncation is not None and options.truncation <= 0:
        raise UserError(f"truncation={options.truncation}: give more than 0, or null for none.")
    if options.truncation_w is not None and options.truncation_w < 0:
        raise UserError(f"truncation_w={options.truncation_w}: 0 is the mean style, 1 as it was trained.")
    defaults = asdict(Generate(options.source))
    for name in OF_PICTURES if options.from_ is None else OF_SAMPLES:
        if getattr(options, name) != defaults[name]:
            raise UserError(f"{name}= {'goes with from= only' if options.from_ is None else 'does not go with from='}.")
    if options.film is not None:
        _check_film(options, defaults)
        return
    films = options.interpolate is not None
    formats, ignored = (FILMS, OF_STILLS) if films else (STILLS, OF_FILMS)
    for name in ignored:
        if getattr(options, name) != defaults[name]:
            raise UserError(f"{name}= {'does not go with' if films else 'goes with'} interpolate= only.")
    if options.format is not None and options.format not in formats:
        what = "an interpolation" if films else "single images"
        raise UserError(f"format={options.format}: {what} can be {' or '.join(formats)}.")
    if options.format is not None and options.format in REQUIRED:
        REQUIRED[options.format]()
    if options.near != defaults["near"] and not options.neighbours:
        raise UserError("near= says what makes training images neighbours=: say how many.")
    classes = options.classes if isinstance(options.classes, list) else [options.classes]
    named = any(isinstance(each, str) and each != "all" for each in classes)
    if options.data and not options.neighbours and not named:
        raise UserError("data.KEY= says where the training images are, which neighbours= shows: say how many.")


def _check_film(options: Generate, defaults: Mapping[str, Any]) -> None:
    for name in NOT_OF_A_TRAINING:
        if getattr(options, name) != defaults[name]:
            raise UserError(f"{name.removesuffix('_')}= does not go with film=training.")
    if options.format is not None and options.format not in OF_TRAINING:
        raise UserError(f"format={options.format}: film=training can be {' or '.join(OF_TRAINING)}.")
    if options.format is not None and options.format in REQUIRED:
        REQUIRED[options.format]()


def stills(options: Generate, sampler: Sampler) -> tuple[Writable, dict[str, Any]]:
    """Single images: every seed in every class asked for, or, without ``classes=``, in a class drawn from the seed."""
    training = training_of(options, sampler)
    seeds = seeds_from(options.seeds, options.count, IMAGES)
    labels = labels_from(options.classes, sampler.trained.num_classes, training.class_names)
    names = names_in_files(training.class_names(needed=False), sampler.trained.num_classes)
    if labels is None:
        images = [wanted(*each, names) for each in zip(seeds, sampler.labels(seeds), strict=True)]
    else:
        images = every(seeds, labels, names)
    columns = len(labels) if labels is not None and len(labels) > 1 else COLUMNS
    shown = len(images) <= LARGEST_GRID if options.grid is None else options.grid
    product = Stills(
        sampler=sampler,
        wanted=images,
        format=options.format or next(iter(STILLS)),
        threads=threads_for(1, options.threads),
        on_grid=max(IMAGES // columns, 1) * columns if shown else 0,
        columns=columns,
        training=training.images(options.neighbours) if options.neighbours else None,
        neighbours=options.neighbours,
        features=FEATURES[options.near](training, sampler.device),
        with_neighbours=WITH_NEIGHBOURS,
        zoom=options.zoom,
    )
    return product, {"seeds": ranges(seeds), **classes_of(labels, training), "images": len(images)}


def classes_of(labels: Sequence[int | None] | None, training: Training) -> dict[str, Any]:
    """The classes for the record, as numbers and, where these are known, names."""
    names = training.class_names(needed=False)
    if labels is None or len(names) != training.trained.num_classes:
        return {"classes": labels, "class_names": None}
    return {"classes": labels, "class_names": [None if each is None else names[each] for each in labels]}


def training_of(options: Generate, sampler: Sampler) -> Training:
    """The training data of the run that the generator comes from, with the changes that the options ask for."""
    return Training(sampler.trained, options.data, options.allow)


def ways_between_seeds(options: Generate, sampler: Sampler) -> tuple[Writable, dict[str, Any]]:
    """An interpolation from seed to seed in each class that was asked for, or else in the class of the first seed."""
    seeds = seeds_from(options.seeds, options.count, KEYS)
    training = training_of(options, sampler)
    asked = labels_from(options.classes, sampler.trained.num_classes, training.class_names)
    labels = asked or sampler.labels(seeds[:1])
    tiles = between_seeds(sampler, seeds, labels, options.steps, options.loop)
    return film(options, tiles), {"interpolate": "seeds", "seeds": ranges(seeds), **classes_of(labels, training)}


def ways_between_classes(options: Generate, sampler: Sampler) -> tuple[Writable, dict[str, Any]]:
    """An interpolation from class to class for each seed."""
    seeds = seeds_from(options.seeds, options.count, KEYS)
    training = training_of(options, sampler)
    asked = "all" if options.classes is None else options.classes
    labels = labels_from(asked, sampler.trained.num_classes, training.class_names)
    assert labels is not None
    tiles = between_classes(sampler, seeds, labels, options.steps, options.loop)
    return film(options, tiles), {"interpolate": "classes", "seeds": ranges(seeds), **classes_of(labels, training)}


def film(options: Generate, tiles: Tiles) -> Film:
    """The film or strip of these frames in the format that was asked for."""
    return Film(tiles, options.format or next(iter(FILMS)), options.fps, options.zoom)


PRODUCTS: Mapping[str | None, Callable[[Generate, Sampler], tuple[Writable, dict[str, Any]]]] = {
    None: stills,
    "seeds": ways_between_seeds,
    "classes": ways_between_classes,
}
"""Functions by the value of ``interpolate=``.

Each of them works out which images are wanted, and returns the product that will write them and their part of the
record.
"""
