"""Differentiable augmentation of every image, real or fake, on its way into the discriminator."""

from gan_lightning.augment.adaptive import Adaptive
from gan_lightning.augment.base import Augmentation, Compose
from gan_lightning.augment.diffaugment import (
    OPERATIONS,
    DiffAugment,
    brightness,
    contrast,
    cutout,
    saturation,
    translation,
)
from gan_lightning.augment.instance_noise import InstanceNoise

__all__ = [
    "OPERATIONS",
    "Adaptive",
    "Augmentation",
    "Compose",
    "DiffAugment",
    "InstanceNoise",
    "brightness",
    "contrast",
    "cutout",
    "saturation",
    "translation",
]
