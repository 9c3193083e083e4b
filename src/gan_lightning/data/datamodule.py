"""The base of every data set: bytes in memory, one stream of full batches, [-1, 1] on the device."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import cast

import torch
from lightning.pytorch import LightningDataModule

from gan_lightning.data.image_set import ImageSet, keep_classes, resize, with_channels
from gan_lightning.data.loader import Batch, EndlessOrder, StreamLoader
from gan_lightning.errors import UserError
from gan_lightning.images import to_unit
from gan_lightning.types import Images, Labels


class ImageDataModule(LightningDataModule):
    """Images for a GAN. A data set implements :meth:`load`, and ``prepare_data`` if it has something to download.

    Args:
        batch_size: images of one D update over all processes.
        n_critic: D updates of an iteration; a batch holds images for all of them.
        seed: of the order and the flips.
        classes: indices or names of the classes to keep, renumbered in this order; None keeps all.
        resolution: pixels a side to resize to; None keeps the data's own.
        channels: 1 (luma) or 3 (grey repeated); None keeps the data's own.
        num_classes: a claim that is checked against the data; None claims nothing.
        flip: mirror images left to right at random.
    """

    def __init__(
        self,
        *,
        batch_size: int,
        n_critic: int = 1,
        seed: int = 0,
        classes: Sequence[int | str] | None = None,
        resolution: int | None = None,
        channels: int | None = None,
        num_classes: int | None = None,
        flip: bool = False,
    ) -> None:
        super().__init__()
        _require_positive("batch_size", batch_size)
        _require_positive("n_critic", n_critic)
        if resolution is not None:
            _require_positive("resolution", resolution)
        if channels not in (None, 1, 3):
            raise UserError(f"data.channels must be null, 1 or 3, not {channels!r}")
        if classes is not None and (isinstance(classes, str) or not isinstance(classes, Sequence) or not classes):
            raise UserError(f"data.classes must be a list such as [7] or [horse,cat], not {classes!r}")
        if not isinstance(flip, bool):
            raise UserError(f"data.flip must be true or false, not {flip!r}")
        self.batch_size = batch_size
        self.n_critic = n_critic
        self.seed = seed
        self.flip = flip
        self._classes = classes
        self._resolution = resolution
        self._channels = channels
        self._num_classes = num_classes
        self._sets: dict[str, ImageSet] = {}

    def load(self, split: str) -> ImageSet:
        """Read the images of "train" or "test" as they are; classes, channels and resolution are seen to elsewhere."""
        raise NotImplementedError(f"{type(self).__name__} must implement load(split)")

    def setup(self, stage: str | None = None) -> None:
        """Have the training images ready; a second call does nothing."""
        self.split("train")

    def split(self, name: str) -> ImageSet:
        """The images of "train" or "test" as the networks will see them; loaded once.

        Raises:
            UserError: if the data don't have the classes asked for.
        """
        if name not in self._sets:
            self._sets[name] = self._prepared(self.load(name))
        return self._sets[name]

    def _prepared(self, data: ImageSet) -> ImageSet:
        if self._classes is not None:
            data = keep_classes(data, self._classes)
        if self._num_classes not in (None, len(data.class_names)):
            raise UserError(
                f"data.num_classes={self._num_classes}, but the data have {len(data.class_names)} classes: "
                "correct it, or leave it null"
            )
        images = data.images
        if self._channels is not None:
            images = with_channels(images, self._channels)
        if self._resolution is not None:
            images = resize(images, self._resolution)
        return ImageSet(images.contiguous(), data.labels, data.class_names)

    @property
    def train_set(self) -> ImageSet:
        """The training images."""
        return self.split("train")

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return self.train_set.images.shape[1]

    @property
    def resolution(self) -> int:
        """Pixels a side."""
        return self.train_set.images.shape[-1]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by label; empty where the data have no labels."""
        return self.train_set.class_names

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 where the data have no labels."""
        return len(self.class_names)

    @property
    def num_images(self) -> int:
        """Number of training images."""
        return len(self.train_set.images)

    def iterations_per_epoch(self) -> int:
        """Iterations in which every training image has been shown at least once."""
        return ceil(self.num_images / (self.n_critic * self.batch_size))

    def train_dataloader(self) -> StreamLoader:
        """The stream for this process, from the module's current iteration on.

        Raises:
            UserError: if the global batch can't be shared equally.
        """
        trainer = self.trainer
        assert trainer is not None, "Lightning attaches the trainer before it asks for a loader"
        self._require_divisible(trainer.world_size)
        data = self.train_set
        return StreamLoader(
            images=data.images,
            labels=data.labels if data.labels is not None else torch.full((self.num_images,), -1),
            order=EndlessOrder(self.num_images, self.seed),
            batch_size=self.batch_size,
            n_critic=self.n_critic,
            iterations_per_epoch=self.iterations_per_epoch(),
            first_iteration=lambda: cast(int, trainer.lightning_module.iteration),
            seed=self.seed,
            flip=self.flip,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> tuple[Images, Labels]:
        """Bytes to [-1, 1], on the device: a quarter of the bytes cross the bus."""
        images, labels = batch
        return to_unit(images), labels

    def _require_divisible(self, world_size: int) -> None:
        below = self.batch_size // world_size * world_size
        if below == self.batch_size:
            return
        nearest = " or ".join(str(size) for size in (below, below + world_size) if size)
        raise UserError(
            f"data.batch_size={self.batch_size} counts the images over all processes and can't be shared equally by "
            f"{world_size} of them: take {nearest}"
        )


def _require_positive(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise UserError(f"data.{name} must be a whole number of at least 1, not {value!r}")
