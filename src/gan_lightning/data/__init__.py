"""Training data, held in memory: a new set of images is one subclass of :class:`ImageDataModule` and one yaml."""

from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.stream import StreamDataModule

__all__ = ["ImageDataModule", "ImageSet", "StreamDataModule"]
