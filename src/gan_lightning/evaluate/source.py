"""The source that ``evaluate.py`` measures: the generators of a run, or images that exist already."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from gan_lightning.config.trust import trusted_class
from gan_lightning.data import ImageDataModule, StreamDataModule
from gan_lightning.data.stored import require_same_classes
from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.errors import UserError
from gan_lightning.evaluate.image_files import array_of, images_at, side_of
from gan_lightning.games.base import Game
from gan_lightning.generate.record import source_of
from gan_lightning.images import Resolution, height_and_width
from gan_lightning.metrics import Sample
from gan_lightning.quality import Evaluator, Fakes, RealImages, real_images
from gan_lightning.quality.fakes import SAMPLING
from gan_lightning.runs.exported import CONFIG
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.loading import StoredNetworks, Trained, stored_at
from gan_lightning.types import Direction

FILES = "files"
"""Name in a protocol for images that were given as files."""
AS_FILES = "picture files, cropped to the square in the middle and resized where they are of another size"


@dataclass(frozen=True)
class Source:
    """The generators or images to measure, and the facts that are known about them."""

    path: Path
    """The path as it was given."""
    stored: StoredNetworks | None
    """The checkpoint or export that holds the generators; None if the source is images."""
    checkpoint: Path
    """The file or folder that the records of its numbers name."""
    config: Mapping[str, Any]
    """The configuration of the run that the source comes from; empty if none is known."""
    records: Path
    """The file that its numbers are appended to."""

    def generators(self, weights: Sequence[str], allow: Sequence[str]) -> Generators:
        """Build one generator for each of these kinds of weights.

        Args:
            weights: The kinds of weights: "averaged", "raw" or both.
            allow: Modules of the user's own that a stored configuration may name.

        Raises:
            UserError: If an export does not hold these weights, or if the configuration names code that nobody vouched
                for.
        """
        assert self.stored is not None
        built = [self.stored.trained(averaged=each == "averaged", allow=allow) for each in weights]
        return Generators({trained.weights: trained for trained in built}, self.checkpoint)

    def directions(self, allow: Sequence[str]) -> Sequence[Direction]:
        """The ways in which the run's game translates images, none if it does not or the source is images.

        Args:
            allow: Modules of the user's own that a stored configuration may name.

        Raises:
            UserError: If the configuration names code that nobody vouched for.
        """
        if self.stored is None or not self.config:
            return ()
        found: Sequence[Direction] = self.game(allow).directions()
        return found

    def networks(
        self, directions: Sequence[Direction], weights: str, allow: Sequence[str], device: torch.device
    ) -> tuple[dict[str, nn.Module], dict[str, Any]]:
        """The generators of all directions by name, and the further entries of each record of their numbers.

        Args:
            directions: The directions.
            weights: The kind of the weights: "averaged" or "raw".
            allow: Modules of the user's own that a stored configuration may name.
            device: The device to which they are moved.

        Raises:
            UserError: If the configuration names code that nobody vouched for.
        """
        assert self.stored is not None
        names = dict.fromkeys(each.generator for each in directions)
        built = {name: self.stored.trained(averaged=weights == "averaged", allow=allow, name=name) for name in names}
        facts = {"checkpoint": str(self.checkpoint), **self.stored.counters}
        return {name: each.generator.to(device) for name, each in built.items()}, facts

    def game(self, allow: Sequence[str]) -> type[Game]:
        """The game that was played in the run."""
        game: type[Game] = trusted_class(str(self.config["model"]["_target_"]), allow)
        return game

    def side(self) -> int:
        """Number of pixels along each side of the source's images.

        Raises:
            UserError: If the source does not say.
        """
        if self.config:
            return square_of(self.config["data"]["resolution"], self.path)
        if self.stored is not None:
            raise UserError("An exported generator does not know the size of the real images: resolution=PIXELS.")
        return side_of(self.path)


def source_at(path: Path, which: str) -> Source:
    """Find out what kind of source lies at ``path``, and read it.

    Args:
        path: A run folder, a checkpoint, an exported folder, or a folder, zip or ``.npz`` of images. Images that
            generate.py wrote say which run they come from.
        which: The checkpoint to take from a run folder, "last" or "best".

    Raises:
        UserError: If there is nothing at ``path``, or it can't be read.
    """
    if not path.exists():
        raise UserError(f"There is nothing at {path}: give a run folder, a checkpoint, or a folder or file of images.")
    if is_generator(path):
        stored = stored_at(path, which)
        named = path if which == "last" else stored.file
        return Source(path, stored, named, stored.config, RunFolder.around(path).evaluations)
    array = array_of(path)
    if path.is_file() and array is None and not zipfile.is_zipfile(path):
        raise UserError(f"{path} is no checkpoint (.ckpt), .npz or zip of images: give one, a run folder or a folder.")
    origin = source_of(path.parent if path.is_file() and array is not None else path)
    name = RunFolder.evaluations.name
    return Source(
        path=path,
        stored=None,
        checkpoint=path,
        config={} if origin is None else stored_at(origin).config,
        records=path / name if path.is_dir() else path.with_suffix(f".{name}"),
    )


def is_generator(path: Path) -> bool:
    """Whether a path is a run folder, a checkpoint or an exported folder, and not images."""
    run = RunFolder(path)
    is_checkpoint = path.suffix == RunFolder.last.suffix
    return run.checkpoints.is_dir() or run.resolved.is_file() or is_checkpoint or (path / CONFIG).is_file()


@dataclass(frozen=True)
class Contender:
    """The images of one column of the table, as an extractor has seen them."""

    name: str
    """Name of the column."""
    sample: Sample
    """The extractor's features of the images."""
    generator: str
    """Name in a protocol for the weights or files that the images come from."""
    sampling: str
    """Description in a protocol of how the images were drawn."""
    facts: Mapping[str, Any]
    """Further entries of each record of the column's numbers."""


@runtime_checkable
class Contenders(Protocol):
    """One or several columns of the table, whose images an extractor sees one column after the other."""

    def count(self, evaluator: Evaluator) -> int:
        """Number of images of each column."""
        ...

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Let the evaluator's extractor see the images of each column."""
        ...


@dataclass(frozen=True)
class Generators:
    """The generators of one checkpoint or export.

    Args:
        by_weights: The generators by the kind of their weights, "averaged" or "raw".
        checkpoint: The file or folder that holds the generators, as their records name it.
    """

    by_weights: Mapping[str, Trained]
    checkpoint: Path

    def count(self, evaluator: Evaluator) -> int:
        """Number of images of each generator, which is the evaluator's ``n_fake``."""
        return evaluator.n_fake

    def require_classes(self, data: StreamDataModule) -> None:
        """Refuse real images whose classes are others than those that a generator was trained on.

        Raises:
            UserError: If they are, because a label would mean one class here and another one there.
        """
        for trained in self.by_weights.values():
            if trained.num_classes and trained.class_names:
                require_same_classes(data.class_names, trained.class_names)

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Draw the images of one generator after the other, and let the evaluator's extractor see them.

        Raises:
            UserError: If a generator draws images of classes that the real images don't have.
        """
        for weights, trained in self.by_weights.items():
            labels = labels_for(trained, real)
            fakes = Fakes(
                prior=trained.draws(),
                latent_dim=trained.latent_dim,
                labels=labels,
                count=evaluator.n_fake,
                seed=evaluator.seed,
                batch_size=evaluator.batch_size,
                class_names=trained.class_names,
            )
            sample = evaluator.fake(fakes, trained.generator.to(device), device)
            yield Contender(weights, sample, weights, SAMPLING, self.facts(trained))

    def facts(self, trained: Trained) -> dict[str, Any]:
        """Further entries of each record of a generator's numbers: its checkpoint and how long it was trained."""
        return {"checkpoint": str(self.checkpoint), **trained.counters}


class ImageFiles:
    """Images given as files, in the size and colours of the real images.

    Args:
        path: The folder, zip or ``.npz``.
        real: The real images that they are measured against.
    """

    def __init__(self, path: Path, real: ImageDataModule | TranslationDataModule) -> None:
        self.path = path
        self.images = real_images(images_at(path, square_of(real.resolution, path), real.channels), "train")

    def count(self, evaluator: Evaluator) -> int:
        """Number of images in the files, all of which are measured."""
        return len(self.images)

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Let the evaluator's extractor see the images."""
        sample = evaluator.real(self.images, device)
        yield Contender(self.path.resolve().name, sample, FILES, AS_FILES, {"images": str(self.path)})


def square_of(resolution: Resolution, path: Path) -> int:
    """Pixels along each side of the squares to which image files are brought.

    Raises:
        UserError: If the real images are no squares.
    """
    height, width = height_and_width(resolution)
    if height != width:
        raise UserError(f"{path} holds images, which are cropped to squares, and the real ones are {height} x {width}.")
    return height


def labels_for(trained: Trained, real: RealImages) -> torch.Tensor | None:
    """The labels whose frequencies the fakes should have; None if the generator takes no labels.

    Raises:
        UserError: If the real images have no labels, or more classes than the generator knows.
    """
    if not trained.num_classes:
        return None
    found = 0 if real.labels is None else int(real.labels.max()) + 1
    if not 0 < found <= trained.num_classes:
        raise UserError(
            f"{trained.file} draws images of {trained.num_classes} classes, and the real ones have {found or 'none'}: "
            "measure it against the run's own data."
        )
    return real.labels
