"""The data, widths and training settings of each classifier that comes with the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST


@dataclass(frozen=True)
class Settings:
    """Settings of a classifier and its training, by SGD with Nesterov momentum and one cycle of the learning rate."""

    data: Callable[[str], ImageDataModule]
    """Makes the data set, given the folder of the downloads."""
    widths: tuple[int, ...]
    """Number of channels of each block; the last is the number of features."""
    epochs: int
    flip: bool
    """Whether half of the images are mirrored, which is right for photographs and wrong for digits."""
    shift: int = 2
    """Largest number of pixels by which an image is moved in each direction."""
    noise: float = 0.2
    """Largest standard deviation of the noise that is added to an image in [-1, 1]; each image has its own, from 0 up.

    A classifier that has seen clean images alone gives noisy ones entirely different features: real images with noise
    of 30 grey levels are then farther from real images than pure noise is.
    """
    batch_size: int = 256
    learning_rate: float = 0.25
    """Highest learning rate of the cycle."""
    momentum: float = 0.9
    weight_decay: float = 1e-3


SETTINGS: Mapping[str, Settings] = {
    "digits": Settings(lambda _: Digits(batch_size=1), (32, 64, 128), epochs=2, flip=False),
    "mnist": Settings(lambda folder: MNIST(batch_size=1, data_dir=folder), (32, 64, 128), epochs=5, flip=False),
    "cifar10": Settings(lambda folder: CIFAR10(batch_size=1, data_dir=folder), (64, 128, 192), epochs=10, flip=True),
}
