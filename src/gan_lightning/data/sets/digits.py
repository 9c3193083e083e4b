"""The default data set: 70,000 rendered digits, which are made in seconds and need no download."""

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
FORMAT = 1  # version of what rendering.py draws from its parameters: raise it when the drawing itself changes


class Digits(ImageDataModule):
    """Digits that look like handwriting, 28 x 28 pixels, white on black.

    There are as many as in MNIST: 60,000 to train on and 10,000 to test with.

    Args:
        render_seed: Seed of the digits themselves; the order in which a run sees them has its own ``seed``.
        options: The arguments of :class:`ImageDataModule`.
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


def digits(
    render_seed: int, start: int = 0, stop: int = TRAIN + TEST, ranges: rendering.Ranges = rendering.AS_USUAL
) -> NDArray[np.uint8]:
    """The digits ``start`` to ``stop`` - 1 of a seed [N, 1, 28, 28], read from the cache or rendered.

    Args:
        render_seed: Seed of the digits.
        start: Index of the first digit.
        stop: Index after the last digit.
        ranges: Ranges that replace some of :data:`rendering.PARAMETERS`: the same digits in another hand.
    """
    parameters = {**rendering.PARAMETERS, **ranges}
    recipe = hashlib.blake2b(repr((parameters, start, stop)).encode(), digest_size=8)
    recipe.update(rendering.distance_fields().tobytes())  # the distances depend on Pillow's typeface
    name = f"digits-v{FORMAT}-seed{render_seed}-{recipe.hexdigest()}.npy"
    return cached(name, lambda: rendering.render_range(render_seed, start, stop, ranges=ranges))
