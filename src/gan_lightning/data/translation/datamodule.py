"""The base of all data with two domains, whose images are bytes in memory and in [-1, 1] on the device."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from math import ceil
from typing import Any, ClassVar

from gan_lightning.data.fingerprint import of_samples
from gan_lightning.data.loader import EndlessOrder
from gan_lightning.data.stream import StreamDataModule, labels_or_minus_one
from gan_lightning.data.translation.loader import SideStream, TranslationBatch, TwoSidedLoader
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import UserError
from gan_lightning.images import Resolution, height_and_width, to_unit
from gan_lightning.randomness import hashed_seed


class TranslationDataModule(StreamDataModule):
    """Images of two domains. A data set derives from one of the two subclasses here and implements :meth:`load`.

    Where the base class speaks of "the images", for example of their ``channels``, those of domain b are meant, because
    a generator is to make them.

    Args:
        resolution: Side in pixels, or (height, width), of the images that networks see; None keeps the data's own.
        enlarge: Side in pixels, or (height, width), to which training images are brought before a random part of them
            is cropped; None crops nothing.
        channels_a: Number of channels of domain a, 1 (luma) or 3 (grey repeated); None keeps the data's own.
        channels_b: Number of channels of domain b, as for domain a.
        num_classes: Number of classes that the data must have; None accepts any.
        stream: The options of :class:`StreamDataModule`: batch_size, n_critic, seed and flip.
    """

    PARTNERS_HELD_OUT: ClassVar[bool] = False
    """Whether image i of domain a belongs to image i of domain b in the split "test"."""
    FACTS: ClassVar[tuple[str, ...]] = ("channels_a", "channels_b", "resolution", "num_classes")

    def __init__(
        self,
        *,
        resolution: Resolution | None = None,
        enlarge: Resolution | None = None,
        channels_a: int | None = None,
        channels_b: int | None = None,
        num_classes: int | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(**stream)
        self._size = None if resolution is None else height_and_width(resolution)
        self._enlarged = None if enlarge is None else height_and_width(enlarge)
        self._channels: Mapping[str, int | None] = {"a": channels_a, "b": channels_b}
        for name, channels in self._channels.items():
            if channels not in (None, 1, 3):
                raise UserError(f"data.channels_{name} must be null, 1 or 3, not {channels!r}")
        self._num_classes = num_classes
        self._splits: dict[str, TwoSides] = {}

    @abstractmethod
    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """Read the images of "train" or "test".

        Args:
            split: Name of the split.
            size: Height and width to which the images will be brought, or None if they keep their own. A data set may
                do so by itself; images of another size are resized afterwards.
        """

    @abstractmethod
    def streams(self, sides: TwoSides) -> tuple[SideStream, SideStream]:
        """The streams of the two sides, each with its order and with the random numbers of its crops and flips."""

    def split(self, name: str) -> TwoSides:
        """The images of "train" or "test", whole and at the resolution of the networks, which are loaded once.

        Raises:
            UserError: If the data are not what the options say.
        """
        if name not in self._splits:
            self._splits[name] = self._prepared(name, self._size)
        return self._splits[name]

    @cached_property
    def train_set(self) -> TwoSides:
        """The images from which training draws: those of the split "train", enlarged if ``enlarge`` is given.

        Raises:
            UserError: If the data are not what the options say.
        """
        if self._enlarged is None:
            return self.split("train")
        if any(large < small for large, small in zip(self._enlarged, self.resolution, strict=True)):
            raise UserError(
                f"data.enlarge={list(self._enlarged)} is less than data.resolution={list(self.resolution)}: training "
                "crops images of the resolution out of enlarged ones"
            )
        return self._prepared("train", self._enlarged)

    def _prepared(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        found = self.load(split, size)
        if self._num_classes not in (None, len(found.class_names)):
            raise UserError(
                f"data.num_classes={self._num_classes}, but the data have {len(found.class_names)} classes: "
                "correct it, or leave it null"
            )
        a, b = (
            side.converted(channels, size)
            for side, channels in zip((found.a, found.b), self._channels.values(), strict=True)
        )
        if a.size != b.size:
            raise UserError(
                f"the images of domain a have {a.size[0]} x {a.size[1]} pixels and those of b {b.size[0]} x "
                f"{b.size[1]}: bring both to one size, such as data.resolution={max(*a.size, *b.size)}"
            )
        return TwoSides(a, b, found.class_names)

    @property
    def channels_a(self) -> int:
        """Number of channels of an image of domain a."""
        return self.train_set.a.channels

    @property
    def channels_b(self) -> int:
        """Number of channels of an image of domain b."""
        return self.train_set.b.channels

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width of the images that networks see, the same for both domains."""
        return self._size or self.split("train").b.size

    def fingerprint(self) -> str:
        """Fingerprint of the training images of both domains."""
        a, b = self.train_set.a, self.train_set.b
        return of_samples(a.images, a.labels, b.images, b.labels)

    @property
    def num_images(self) -> int:
        """Number of training images of the domain that has more."""
        return max(len(self.train_set.a), len(self.train_set.b))

    @property
    def largest(self) -> float:
        """Largest absolute value that the networks are given, which is 1 because bytes become [-1, 1]."""
        return 1.0

    def iterations_per_epoch(self) -> int:
        """Number of iterations after which every training image of both domains has been shown at least once."""
        return ceil(self.num_images / (self.n_critic * self.batch_size))

    def train_dataloader(self) -> TwoSidedLoader:
        """The stream for this process, from the module's current iteration on.

        Raises:
            UserError: If the global batch can't be shared equally.
        """
        a, b = self.streams(self.train_set)
        return TwoSidedLoader(a=a, b=b, size=self.resolution, **self.loader_options())

    def on_after_batch_transfer(self, batch: TranslationBatch, dataloader_idx: int) -> TranslationBatch:
        """Turn bytes into [-1, 1] on the device, because a byte takes a quarter of a float on the way there."""
        return batch._replace(a=to_unit(batch.a), b=to_unit(batch.b))


class PairedDataModule(TranslationDataModule):
    """Pairs: image i of domain a belongs to image i of domain b, and both are shown in the same crop and flip."""

    PARTNERS_HELD_OUT = True

    def _prepared(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        pairs = super()._prepared(split, size)
        if len(pairs.a) != len(pairs.b):
            raise UserError(f"{len(pairs.a):,} images of domain a and {len(pairs.b):,} of b are no pairs")
        return pairs

    def streams(self, sides: TwoSides) -> tuple[SideStream, SideStream]:
        """The streams of the two sides, with one order and one set of views for both."""
        order = EndlessOrder(len(sides.a), self.seed)
        return _stream(sides.a, order, "pair"), _stream(sides.b, order, "pair")

    def description(self) -> str:
        """Description of the training images in a few words."""
        return f"{self.num_images:,} pairs of images {_shape(self.train_set.a)} -> {_shape(self.train_set.b)}"


class UnpairedDataModule(TranslationDataModule):
    """Two domains without partners, which may have unequal numbers of images and have separate orders and views."""

    def streams(self, sides: TwoSides) -> tuple[SideStream, SideStream]:
        """The streams of the two sides, whose orders and views have nothing to do with each other."""
        order_a = EndlessOrder(len(sides.a), hashed_seed(self.seed, "domain a"))
        order_b = EndlessOrder(len(sides.b), hashed_seed(self.seed, "domain b"))
        return _stream(sides.a, order_a, "a"), _stream(sides.b, order_b, "b")

    def description(self) -> str:
        """Description of the training images in a few words."""
        a, b = self.train_set.a, self.train_set.b
        return f"{len(a):,} images {_shape(a)} and {len(b):,} images {_shape(b)} without partners"


def _stream(side: Side, order: EndlessOrder, views: str) -> SideStream:
    return SideStream(side.images, labels_or_minus_one(side.labels, len(side)), order, views)


def _shape(side: Side) -> str:
    return "x".join(map(str, side.images.shape[1:]))
