"""The base of every image data set: images are bytes in memory, and floats in [-1, 1] on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_lightning.data.fingerprint import of_samples
from gan_lightning.data.image_set import ImageSet, keep_classes, resize, with_channels
from gan_lightning.data.loader import Batch
from gan_lightning.data.stream import StreamDataModule, require_positive
from gan_lightning.errors import UserError
from gan_lightning.images import to_unit
from gan_lightning.types import Images, Labels


class ImageDataModule(StreamDataModule):
    """A set of images for training a GAN.

    A subclass implements :meth:`load`, and ``prepare_data`` if it has something to download.

    Args:
        classes: Indices or names of the classes to keep, renumbered in this order; None keeps all classes.
        resolution: Side in pixels to which images are resized; None keeps the data's own.
        channels: Number of channels to which images are converted: 1 for luma, 3 for colour (grey is repeated); None
            keeps the data's own.
        num_classes: Number of classes that the data are expected to have, which is checked; None expects nothing.
        first: Number of training images to keep, from the first on; None keeps all. The test images stay.
        stream: The arguments of :class:`StreamDataModule`: batch_size, n_critic, seed and flip.

    Raises:
        UserError: If an argument has a value that is not possible.
    """

    def __init__(
        self,
        *,
        classes: Sequence[int | str] | None = None,
        resolution: int | None = None,
        channels: int | None = None,
        num_classes: int | None = None,
        first: int | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(**stream)
        if resolution is not None:
            require_positive("resolution", resolution)
        if channels not in (None, 1, 3):
            raise UserError(f"data.channels must be null, 1 or 3, not {channels!r}")
        if classes is not None and (isinstance(classes, str) or not isinstance(classes, Sequence) or not classes):
            raise UserError(f"data.classes must be a list such as [7] or [horse,cat], not {classes!r}")
        if first is not None:
            require_positive("first", first)
        self._classes = classes
        self._resolution = resolution
        self._channels = channels
        self._num_classes = num_classes
        self._first = {"train": first}
        self._sets: dict[str, ImageSet] = {}
        self._fingerprints: dict[str, str] = {}

    def load(self, split: str) -> ImageSet:
        """Read the images of "train" or "test" unchanged; :meth:`split` chooses classes, channels and resolution."""
        raise NotImplementedError(f"{type(self).__name__} must implement load(split)")

    def split(self, name: str) -> ImageSet:
        """The images of "train" or "test" as the networks see them, but as bytes; they are loaded once.

        Raises:
            UserError: If the data do not have the classes that were asked for.
        """
        if name not in self._sets:
            loaded = self.load(name)
            self._fingerprints[name] = of_samples(loaded.images, loaded.labels)
            self._sets[name] = self._prepared(loaded, self._first.get(name))
        return self._sets[name]

    def fingerprint(self) -> str:
        """Fingerprint of the training images before they are resized, which two machines may round differently."""
        _ = self.train_set
        return self._fingerprints["train"]

    def chosen(self, data: ImageSet) -> ImageSet:
        """The images of the classes that were asked for, out of those that :meth:`load` returned."""
        return data if self._classes is None else keep_classes(data, self._classes)

    def _prepared(self, data: ImageSet, first: int | None) -> ImageSet:
        data = self.chosen(data)
        if self._num_classes not in (None, len(data.class_names)):
            raise UserError(
                f"data.num_classes={self._num_classes}, but the data have {len(data.class_names)} classes: "
                "correct it, or leave it null"
            )
        images, labels = data.images[:first], None if data.labels is None else data.labels[:first]
        if self._channels is not None:
            images = with_channels(images, self._channels)
        if self._resolution is not None:
            images = resize(images, self._resolution)
        return ImageSet(images.contiguous(), labels, data.class_names)

    @property
    def train_set(self) -> ImageSet:
        """The training images, as bytes."""
        return self.split("train")

    @property
    def resolution(self) -> int:
        """Pixels a side."""
        return self.train_set.images.shape[-1]

    @property
    def largest(self) -> float:
        """The largest absolute value that the networks are given: 1, because bytes become numbers in [-1, 1]."""
        return 1.0

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> tuple[Images, Labels]:
        """The batch with its bytes turned into floats in [-1, 1].

        This happens on the device, so that only a quarter of the bytes have to be transferred.
        """
        images, labels = batch
        return to_unit(images), labels
