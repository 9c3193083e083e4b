"""What turns images into the features that metrics work on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from gan_lightning.metrics.metric import Sample
from gan_lightning.types import Bytes


@runtime_checkable
class Extractor(Protocol):
    """Bytes [B C H W] of any size, grey or colour -> features [B F] float32 and, where it classifies, probabilities.

    It converts channels and resizes by itself, always in evaluation mode, in float32 whatever autocast says, and gives
    each image the same features whatever stands beside it in the batch.
    """

    name: str
    """What a protocol calls it."""
    hash: str
    """Of its weights."""
    resize: str
    """What it does to an image that is not of its size."""
    num_features: int
    classifies: bool
    """Whether it gives class probabilities."""

    def to(self, device: torch.device) -> Extractor:
        """Itself, on ``device``."""
        ...

    def __call__(self, images: Bytes) -> Sample:
        """What it says of a batch."""
        ...
