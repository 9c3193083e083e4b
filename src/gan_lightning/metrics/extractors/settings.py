"""What each classifier is trained on and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST


@dataclass(frozen=True)
class Settings:
    """A classifier and its training: SGD with Nesterov momentum and one cycle of the learning rate."""

    data: Callable[[str], ImageDataModule]
    """The data set, given the folder of the downloads."""
    widths: tuple[int, ...]
    """Channels of the blocks; the last is the number of features."""
    epochs: int
    flip: bool
    """Mirror half of the images: right for photographs, wrong for digits."""
    shift: int = 2
    """Pixels that an image is moved by at most, in each direction."""
    noise: float = 0.2
    """Largest standard deviation of the noise that is added to an image in [-1, 1]: each gets its own, from 0 upwards.

    A classifier of clean images alone takes a little noise for another world: by its features real images with a noise
    of 30 grey levels are farther from real images than noise alone is.
    """
    batch_size: int = 256
    learning_rate: float = 0.25
    """The highest."""
    momentum: float = 0.9
    weight_decay: float = 1e-3


SETTINGS: Mapping[str, Settings] = {
    "digits": Settings(lambda _: Digits(batch_size=1), (32, 64, 128), epochs=2, flip=False),
    "mnist": Settings(lambda folder: MNIST(batch_size=1, data_dir=folder), (32, 64, 128), epochs=5, flip=False),
    "cifar10": Settings(lambda folder: CIFAR10(batch_size=1, data_dir=folder), (64, 128, 192), epochs=10, flip=True),
}
