"""The contract of an extractor, which turns images into the features that metrics work on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from gan_lightning.metrics.metric import Sample
from gan_lightning.types import Bytes


@runtime_checkable
class Extractor(Protocol):
    """Turns bytes [B C H W] of any size, grey or colour, into float32 features [B F] and perhaps class probabilities.

    An extractor converts the channels and resizes the images by itself. It always works in evaluation mode and in
    float32, whatever autocast says, and the features of an image do not depend on the others in the batch.
    """

    name: str
    """Name of the extractor in a protocol."""
    hash: str
    """Hash of the weights."""
    resize: str
    """Description of how an image of another size is resized."""
    num_features: int
    classifies: bool
    """Whether the extractor gives class probabilities."""

    def to(self, device: torch.device) -> Extractor:
        """The same extractor, moved to ``device``."""
        ...

    def __call__(self, images: Bytes) -> Sample:
        """Features and, if the extractor classifies, class probabilities of a batch."""
        ...
