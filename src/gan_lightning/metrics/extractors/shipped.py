"""The extractors that work offline: classifiers of the digits, MNIST and CIFAR-10 that come with the package."""

from __future__ import annotations

from pathlib import Path

import torch

from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.frozen import FrozenExtractor, fingerprint
from gan_lightning.metrics.extractors.preparation import Square
from gan_lightning.metrics.extractors.weights_file import SHIPPED, SUFFIX, load_classifier

FEATURES = "means of the last maps"
"""Part of the hash: the same weights could give others, such as maxima."""


class ClassifierExtractor(FrozenExtractor):
    """A small classifier from its weights file; its features are the means of its last maps.

    Args:
        weights: "digits", "mnist" or "cifar10", or the path of another file that ``make extractors`` wrote.
        batch_size: images at a time.

    Attributes:
        card: what the file says of itself.

    Raises:
        UserError: if there is no such file, or it is damaged.
    """

    def __init__(self, *, weights: str, batch_size: int = 200) -> None:
        model, self.card = load_classifier(weights_file(weights))
        prepare = Square(self.card.channels, self.card.resolution)
        super().__init__(
            model.to(memory_format=torch.channels_last),  # by half faster on CPUs
            prepare,
            name=self.card.name,
            resize=str(prepare),
            class_names=self.card.class_names,
            batch_size=batch_size,
        )
        self.hash = fingerprint(model.state_dict(), self.name, self.resize, FEATURES)


def weights_file(name: str) -> Path:
    """The file that a shipped name, or a path, stands for.

    Raises:
        UserError: if it is neither.
    """
    shipped = sorted(SHIPPED.glob(f"*{SUFFIX}"))
    for path in (*(p for p in shipped if p.stem == name), Path(name).expanduser()):
        if path.is_file():
            return path
    listing = ", ".join(path.stem for path in shipped)
    raise UserError(f"weights={name} is no file, and no extractor that comes with the package: those are {listing}")
