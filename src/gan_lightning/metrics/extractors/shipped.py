"""The extractors that work offline: classifiers of the digits, MNIST and CIFAR-10 that come with the package."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors.classifier import SmallClassifier
from gan_lightning.metrics.extractors.frozen import FrozenExtractor, fingerprint
from gan_lightning.metrics.extractors.preparation import Square
from gan_lightning.metrics.extractors.weights_file import SHIPPED, SUFFIX, load_classifier
from gan_lightning.types import Images

FEATURES = "means of the last maps"
"""Description of the features for the hash, because the same weights could also give others, such as maxima."""


class ClassifierExtractor(FrozenExtractor):
    """Extractor from the weights file of a small classifier, with the means of its last maps as features.

    Args:
        weights: "digits", "mnist" or "cifar10", or the path of another file of the same kind, such as one that was
            trained on your own pictures (``python -m gan_lightning.metrics.extractors.own``).
        batch_size: Number of images that are computed at a time.

    Attributes:
        card: The card that stands in the file and says what the weights are.

    Raises:
        UserError: If there is no such file, or it is damaged.
    """

    def __init__(self, *, weights: str, batch_size: int = 200) -> None:
        model, self.card = load_classifier(weights_file(weights))
        prepare = Square(self.card.channels, self.card.resolution)
        model = model.to(memory_format=torch.channels_last)  # 1.5 times as fast on CPUs
        super().__init__(
            model if self.card.tells_classes else FeaturesAlone(model),
            prepare,
            name=self.card.name,
            resize=str(prepare),
            class_names=self.card.class_names if self.card.tells_classes else (),
            batch_size=batch_size,
        )
        self.hash = fingerprint(model.state_dict(), self.name, self.resize, FEATURES)


class FeaturesAlone(nn.Module):
    """A classifier without its logits, whose classes say nothing about the data."""

    def __init__(self, classifier: SmallClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Images) -> Tensor:
        """Features [B F] of images [B C H W] in [-1, 1]."""
        features: Tensor = self.classifier(x).features
        return features


def weights_file(name: str) -> Path:
    """Path of the weights file, given its path or the name of a classifier that comes with the package.

    Raises:
        UserError: If there is neither such a classifier nor such a file.
    """
    shipped = sorted(SHIPPED.glob(f"*{SUFFIX}"))
    for path in (*(p for p in shipped if p.stem == name), Path(name).expanduser()):
        if path.is_file():
            return path
    listing = ", ".join(path.stem for path in shipped)
    raise UserError(f"weights={name} is no file, and no extractor that comes with the package: those are {listing}")
