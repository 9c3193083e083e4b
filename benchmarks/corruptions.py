"""The scale of the small classifiers' FID: python benchmarks/corruptions.py DATA_DIR.

Measures the FID of 2,000 test images, corrupted in several ways, against the first 10,000 training images, and prints
a table in Markdown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST
from gan_lightning.metrics import Moments, frechet_distance
from gan_lightning.metrics.extractors import ClassifierExtractor
from gan_lightning.types import Bytes

COUNT, REAL = 2_000, 10_000
RANDOM = Generator().manual_seed(0)


def noisy(images: Bytes, grey_levels: float) -> Bytes:
    """The images with normal noise of this standard deviation added."""
    return to_bytes(images + grey_levels * torch.randn(images.shape, generator=RANDOM))


def blurred(images: Bytes, side: int) -> Bytes:
    """The images with each pixel as the mean over a square of ``side`` x ``side`` pixels around it."""
    return to_bytes(avg_pool2d(images.float(), side, 1, side // 2, count_include_pad=False))


def to_bytes(values: Tensor) -> Bytes:
    """The values rounded and clamped to 0..255."""
    return values.round().clamp(0, 255).to(torch.uint8)


KINDS: Mapping[str, Callable[[Bytes], Bytes]] = {
    "test split": lambda images: images,
    "noise of 10 grey levels": lambda images: noisy(images, 10),
    "noise of 30 grey levels": lambda images: noisy(images, 30),
    "means over 3 x 3 pixels": lambda images: blurred(images, 3),
    "one image, again and again": lambda images: images[:1].expand_as(images),
    "uniform noise": lambda images: torch.randint(256, images.shape, generator=RANDOM, dtype=torch.uint8),
}
"""Corruptions by the name that the table gives them."""


def main() -> None:
    """Measure all corruptions on all data sets and print the table."""
    columns = {}
    for kind in (Digits, MNIST, CIFAR10):
        options = {} if kind is Digits else {"data_dir": sys.argv[1], "download": False}
        data = kind(batch_size=1, **options)
        extractor = ClassifierExtractor(weights=kind.__name__.lower())
        real = Moments.of(extractor(data.train_set.images[:REAL]).features)
        test = data.split("test").images[:COUNT]
        spoilt = {name: Moments.of(extractor(spoil(test)).features) for name, spoil in KINDS.items()}
        columns[extractor.name] = {name: float(frechet_distance(real, each)) for name, each in spoilt.items()}
    print(f"| images | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|")
    for name in KINDS:
        print(f"| {name} | {' | '.join(f'{column[name]:.3g}' for column in columns.values())} |")


if __name__ == "__main__":
    main()
