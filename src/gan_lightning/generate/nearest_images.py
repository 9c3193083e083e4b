"""The training images nearest to generated ones, which show whether a generator has memorised its training data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gan_lightning.progress import counted_images
from gan_lightning.types import Bytes

TrainingImages: TypeAlias = UInt8[Tensor, "N C H W"]
CHUNK = 4096  # training images compared at a time


def pixels(images: Bytes) -> Float[Tensor, "B F"]:
    """The pixels themselves as features, in [0, 1]; the distance is the root of the summed squares over all pixels."""
    return images.flatten(1).to(torch.float32) / 255


def nearest_images(
    samples: Bytes, training: TrainingImages, k: int, features: Callable[[Bytes], Tensor] = pixels
) -> tuple[Int[Tensor, "B k"], Float[Tensor, "B k"]]:
    """Indices and distances of the ``k`` training images nearest to each sample, the nearest first.

    Args:
        samples: Generated images.
        training: All training images.
        k: Number of neighbours of each sample.
        features: A function from images to vectors [B F], between which the Euclidean distance is measured.
    """
    ours = features(samples).double()
    chunks = counted_images(torch.split(training, CHUNK), len(training), "training images", report=True)
    parts = [torch.cdist(ours, features(chunk).double()) for chunk in chunks]
    distances, indices = torch.cat(parts, 1).topk(k, largest=False)
    return indices, distances.float()


def beside(samples: Bytes, training: TrainingImages, indices: Int[Tensor, "B k"]) -> UInt8[Tensor, "B*(k+1) C H W"]:
    """Each sample followed by its neighbours, in the order of a grid with ``k + 1`` columns."""
    return torch.cat([torch.cat([sample[None], training[near]]) for sample, near in zip(samples, indices, strict=True)])
