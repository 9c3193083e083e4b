"""What is measured: images of a generator, or those in a folder, as an extractor sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from gan_lightning.callbacks.quality import real_images
from gan_lightning.data import ImageDataModule
from gan_lightning.errors import UserError
from gan_lightning.evaluate.pictures import images_at
from gan_lightning.metrics import Sample
from gan_lightning.quality import Evaluator, Fakes, RealImages
from gan_lightning.quality.fakes import SAMPLING
from gan_lightning.runs.loading import Trained, load_trained

FILES = "files"
"""What a protocol calls images that came as files."""
AS_FILES = "picture files, cropped to the square in the middle and resized where they are of another size"


@dataclass(frozen=True)
class Contender:
    """One column of the table."""

    name: str
    sample: Sample
    generator: str
    """What a protocol calls it, and how it says that its images were drawn:"""
    sampling: str
    facts: Mapping[str, Any]
    """Of its records."""


@runtime_checkable
class Contenders(Protocol):
    """One or several, measured one after the other."""

    def count(self, evaluator: Evaluator) -> int:
        """Images of each."""
        ...

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """What the extractor says of each."""
        ...


@dataclass(frozen=True)
class Generators:
    """The weights of one checkpoint or export, raw and averaged, each as often as it is asked for.

    Args:
        file: What holds them.
        weights: "averaged", "raw" or both.
        allow: Modules of the user's own that a stored configuration may name.
    """

    file: Path
    weights: Sequence[str]
    allow: Sequence[str]

    def count(self, evaluator: Evaluator) -> int:
        """As many as the metrics have it."""
        return evaluator.n_fake

    def measured(self, evaluator: Evaluator, real: RealImages, device: torch.device) -> Iterator[Contender]:
        """Draw and look, one after the other.

        Raises:
            UserError: They draw images of classes that the real ones don't have.
        """
        for weights in self.weights:
            trained = load_trained(self.file, averaged=weights == "averaged", allow=self.allow)
            labels = labels_for(trained, real)
            fakes = Fakes(
                trained.prior, trained.latent_dim, labels, evaluator.n_fake, evaluator.seed, evaluator.batch_size
            )
            sample = evaluator.fake(fakes, trained.generator.to(device), device)
            yield Contender(weights, sample, weights, SAMPLING, {"checkpoint": str(self.file), **trained.counters})


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


class Pictures:
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
