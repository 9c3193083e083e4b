"""Images in memory: a data set is one subclass of :class:`ImageDataModule` and one yaml."""

from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.image_set import ImageSet

__all__ = ["ImageDataModule", "ImageSet"]
