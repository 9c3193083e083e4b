"""What ``evaluate.py`` measures: the generators of a run, or images that are there already."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from gan_lightning.callbacks.quality import real_images
from gan_lightning.data import ImageDataModule
from gan_lightning.errors import UserError
from gan_lightning.evaluate.image_files import array_of, images_at, side_of
from gan_lightning.generate.record import source_of
from gan_lightning.metrics import Sample
from gan_lightning.quality import Evaluator, Fakes, RealImages
from gan_lightning.quality.fakes import SAMPLING
from gan_lightning.runs.exported import CONFIG
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.loading import Stored, Trained, stored_at

FILES = "files"
"""What a protocol calls images that came as files."""
AS_FILES = "picture files, cropped to the square in the middle and resized where they are of another size"


@dataclass(frozen=True)
class Source:
    """What is measured, and what is known of it."""

    path: Path
    """As it was given."""
    stored: Stored | None
    """The checkpoint or export; None for images."""
    checkpoint: Path
    """The file or folder that its records name."""
    config: Mapping[str, Any]
    """The configuration of the run that it comes from; empty if none is known."""
    records: Path
    """Where its numbers are kept."""

    def generators(self, weights: Sequence[str], allow: Sequence[str]) -> Generators:
        """Build the generators, each of these weights once.

        Args:
            weights: "averaged", "raw" or both.
            allow: Modules of the user's own that a stored configuration may name.

        Raises:
            UserError: An export does not hold these weights, or nobody vouched for the code.
        """
        assert self.stored is not None
        built = [self.stored.trained(averaged=each == "averaged", allow=allow) for each in weights]
        return Generators({trained.weights: trained for trained in built}, self.checkpoint)

    def side(self) -> int:
        """Pixels a side of its images.

        Raises:
            UserError: It does not say.
        """
        if self.config:
            return int(self.config["data"]["resolution"])
        if self.stored is not None:
            raise UserError("An exported generator does not know the size of the real images: resolution=PIXELS.")
        return side_of(self.path)


def source_at(path: Path, which: str) -> Source:
    """Find out what there is, and read it.

    Args:
        path: A run folder, a checkpoint, an exported folder, or a folder, zip or ``.npz`` of images. Those that
            generate.py wrote say which run they come from.
        which: The "last" or the "best" checkpoint of a run folder.

    Raises:
        UserError: There is nothing, or it can't be read.
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
    """Whether it is a run folder, a checkpoint or an exported folder, and no folder of pictures."""
    run = RunFolder(path)
    is_checkpoint = path.suffix == RunFolder.last.suffix
    return run.checkpoints.is_dir() or run.resolved.is_file() or is_checkpoint or (path / CONFIG).is_file()


@dataclass(frozen=True)
class Contender:
    """What an extractor says of the images of one column of the table."""

    name: str
    sample: Sample
    generator: str
    """What a protocol calls what drew them."""
    sampling: str
    """How a protocol says that they were drawn."""
    facts: Mapping[str, Any]
    """What stands in each of its records."""


@runtime_checkable
class Contenders(Protocol):
    """One or several columns of the table, measured one after the other."""

    def count(self, evaluator: Evaluator) -> int:
        """Number of images of each."""
        ...

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Look at the images of each."""
        ...


@dataclass(frozen=True)
class Generators:
    """The generators of one checkpoint or export.

    Args:
        by_weights: Generators by what their weights are: "averaged", "raw".
        checkpoint: What holds them.
    """

    by_weights: Mapping[str, Trained]
    checkpoint: Path

    def count(self, evaluator: Evaluator) -> int:
        """As many as the evaluator has it."""
        return evaluator.n_fake

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Draw and look, one generator after the other.

        Raises:
            UserError: They draw images of classes that the real ones don't have.
        """
        for weights, trained in self.by_weights.items():
            labels = labels_for(trained, real)
            fakes = Fakes(
                trained.draws(), trained.latent_dim, labels, evaluator.n_fake, evaluator.seed, evaluator.batch_size
            )
            sample = evaluator.fake(fakes, trained.generator.to(device), device)
            yield Contender(weights, sample, weights, SAMPLING, self.facts(trained))

    def facts(self, trained: Trained) -> dict[str, Any]:
        """What stands in each record of a generator."""
        return {"checkpoint": str(self.checkpoint), **trained.counters}


class ImageFiles:
    """Images that are files, in the size and colours of the real ones.

    Args:
        path: The folder, zip or ``.npz``.
        real: What they are measured against.
    """

    def __init__(self, path: Path, real: ImageDataModule) -> None:
        self.path = path
        self.images = real_images(images_at(path, real.resolution, real.channels), "train")

    def count(self, evaluator: Evaluator) -> int:
        """All of them."""
        return len(self.images)

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Look at them."""
        sample = evaluator.real(self.images, device)
        yield Contender(self.path.resolve().name, sample, FILES, AS_FILES, {"images": str(self.path)})


def labels_for(trained: Trained, real: RealImages) -> torch.Tensor | None:
    """The labels whose frequencies the fakes are to have; None where the generator takes none.

    Raises:
        UserError: The real images have none, or those of other classes.
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
