"""The training data and the extractor of the run that a generator comes from, to compare samples with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gan_lightning.config.trust import build_trusted
from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.stored import images_of_run
from gan_lightning.errors import UserError
from gan_lightning.generate.nearest_images import pixels
from gan_lightning.metrics.extractors import Extractor
from gan_lightning.runs.loading import Trained
from gan_lightning.types import Bytes

Features = Callable[[Bytes], Tensor]


@dataclass(frozen=True)
class Training:
    """The training data and the feature extractor of the run that a generator comes from.

    Args:
        trained: The generator, with the configuration of its run.
        changes: Options of the data that are changed, such as where the data lie now.
        allow: Modules of the user that the run's configuration may name.
    """

    trained: Trained
    changes: Mapping[str, Any] = field(default_factory=dict)
    allow: Sequence[str] = ()

    def class_names(self, needed: bool) -> Sequence[str]:
        """Names of the classes in the order of the labels: those that the run stored, not those of today's data.

        Args:
            needed: Whether the data are read if an earlier release trained the run, which did not store the names; they
                are empty otherwise.

        Raises:
            UserError: If the data have to be read and can't be.
        """
        if self.trained.class_names or not needed:
            return self.trained.class_names
        return self._data("the names of its classes: give their numbers, or").class_names

    def images(self, least: int) -> Bytes:
        """All training images.

        Raises:
            UserError: If the training data is not known, can't be read, or has fewer than ``least`` images.
        """
        images: Bytes = self._data("its training data: for neighbours=").images
        if least > len(images):
            raise UserError(f"neighbours={least}: there are {len(images)} training images.")
        return images

    def features(self, device: torch.device) -> Features:
        """The features of the extractor by which the run is measured, as a function of images.

        Raises:
            UserError: If the run's configuration has no such extractor.
        """
        node = self.trained.config.get("evaluator")
        if not node:
            raise UserError(f"near=features: {self.trained.file} does not say by which evaluator it is measured.")
        extractor: Extractor = build_trusted(node["extractor"], self.allow).to(device)
        return lambda images: extractor(images).features.cpu()

    def _data(self, what: str) -> ImageSet:
        if not self.trained.config:
            raise UserError(f"{self.trained.file} does not know {what} give the run folder.")
        return images_of_run(self.trained.config, self.changes, self.allow).train_set


FEATURES: Mapping[str, Callable[[Training, torch.device], Features]] = {
    "pixels": lambda training, device: pixels,
    "features": Training.features,
}
"""The features between which the Euclidean distance is measured, by the value of ``near=``."""
