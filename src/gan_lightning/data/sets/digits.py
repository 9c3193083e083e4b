"""The default data set: 70,000 rendered digits, made in seconds, with nothing to download."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_lightning.data.cache import cached
from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.sets import rendering

TRAIN, TEST = 60_000, 10_000
FORMAT = 1  # of what rendering.py draws from its parameters: raise it when the drawing itself changes


class Digits(ImageDataModule):
    """Handwriting-like digits, 28 x 28, white on black, in MNIST's sizes: 60,000 to train and 10,000 to test.

    Args:
        render_seed: of the digits themselves; the order of a run has its own ``seed``.
        options: see :class:`ImageDataModule`.
    """

    def __init__(self, *, render_seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.render_seed = render_seed

    def load(self, split: str) -> ImageSet:
        """The digits 0 to 59,999 ("train") or 60,000 to 69,999 ("test")."""
        indices = np.arange(TRAIN) if split == "train" else np.arange(TRAIN, TRAIN + TEST)
        images = digits(self.render_seed)[indices[0] : indices[-1] + 1]
        labels = rendering.digit_labels(self.render_seed, indices)
        return ImageSet(torch.from_numpy(images), torch.from_numpy(labels), tuple("0123456789"))


def digits(render_seed: int) -> NDArray[np.uint8]:
    """All digits of a seed [70000, 1, 28, 28], from the cache or rendered."""
    recipe = hashlib.blake2b(repr((rendering.PARAMETERS, TRAIN, TEST)).encode(), digest_size=8)
    recipe.update(rendering.distance_fields().tobytes())  # they depend on Pillow's typeface
    name = f"digits-v{FORMAT}-seed{render_seed}-{recipe.hexdigest()}.npy"
    return cached(name, lambda: rendering.render_range(render_seed, 0, TRAIN + TEST))
