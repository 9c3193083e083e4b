"""What a generator learned from, for what is shown beside its samples."""

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
from gan_lightning.generate.neighbours import pixels
from gan_lightning.metrics.extractors import Extractor
from gan_lightning.runs.loading import Trained
from gan_lightning.types import Bytes

Features = Callable[[Bytes], Tensor]


@dataclass(frozen=True)
class Training:
    """The data and the metrics of the run that a generator comes from.

    Args:
        trained: The generator.
        changes: Of the data, such as where they lie now.
        allow: Modules of the user's own that the configuration may name.
    """

    trained: Trained
    changes: Mapping[str, Any] = field(default_factory=dict)
    allow: Sequence[str] = ()

    def class_names(self) -> Sequence[str]:
        """In the order of the labels.

        Raises:
            UserError: They are not known, or the data can't be read.
        """
        return self._data("the names of its classes: give their numbers, or").class_names

    def images(self, least: int) -> Bytes:
        """All that the generator could have copied.

        Raises:
            UserError: They are not known, can't be read, or are fewer than ``least``.
        """
        images: Bytes = self._data("its training data: for neighbours=").images
        if least > len(images):
            raise UserError(f"neighbours={least}: there are {len(images)} training images.")
        return images

    def features(self, device: torch.device) -> Features:
        """Those of the extractor by which the run is measured.

        Raises:
            UserError: It has none.
        """
        node = self.trained.config.get("metrics")
        if not node:
            raise UserError(f"near=features: {self.trained.file} does not say by which metrics it is measured.")
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
"""By ``near=``: what the Euclidean distance is measured in."""
