"""The base of all data with two domains: bytes in memory, [-1, 1] on the device."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from math import ceil
from typing import Any, ClassVar

from gan_lightning.data.loader import EndlessOrder
from gan_lightning.data.stream import StreamDataModule, labels_or_minus_one
from gan_lightning.data.translation.loader import SideStream, TranslationBatch, TwoSidedLoader
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import UserError
from gan_lightning.images import Resolution, height_and_width, to_unit
from gan_lightning.randomness import hashed_seed


class TranslationDataModule(StreamDataModule):
    """Images of two domains. A data set derives from one of the two subclasses here and implements :meth:`load`.

    What the base says of "the images", such as their ``channels``, is that of domain b, which a generator is to make.

    Args:
        resolution: Pixels a side, or (height, width), of the images that networks see; None keeps the data's own.
        enlarge: Pixels a side, or (height, width), that training images are brought to before a random part of them is
            cropped; None crops nothing.
        channels_a: 1 (luma) or 3 (grey repeated) for domain a; None keeps the data's own.
        channels_b: The same for domain b.
        num_classes: Number of classes that the data must have; None accepts any.
        stream: The options of :class:`StreamDataModule`: batch_size, n_critic, seed and flip.
    """

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
            split: Which of the two.
            size: Height and width that they will be brought to, or None if they keep their own. A data set may do so
                by itself; what comes in another size is resized afterwards.
        """

    @abstractmethod
    def streams(self, sides: TwoSides) -> tuple[SideStream, SideStream]:
        """The streams of the two sides: the order of each, and the random numbers of its crops and flips."""

    def split(self, name: str) -> TwoSides:
        """The images of "train" or "test", whole and at the resolution of the networks; loaded once.

        Raises:
            UserError: If the data are not what the options say.
        """
        if name not in self._splits:
            self._splits[name] = self._prepared(name, self._size)
        return self._splits[name]

    @cached_property
    def train_set(self) -> TwoSides:
        """What training draws from: the split "train", or the same images enlarged.

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
        """Channels of an image of domain a."""
        return self.train_set.a.channels

    @property
    def channels_b(self) -> int:
        """Channels of an image of domain b."""
        return self.train_set.b.channels

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width of the images that networks see, the same for both domains."""
        return self._size or self.split("train").b.size

    @property
    def num_images(self) -> int:
        """Number of training images of the domain that has more."""
        return max(len(self.train_set.a), len(self.train_set.b))

    @property
    def largest(self) -> float:
        """Bytes become [-1, 1]."""
        return 1.0

    def iterations_per_epoch(self) -> int:
        """Iterations in which every training image of both domains has been shown at least once."""
        return ceil(self.num_images / (self.n_critic * self.batch_size))

    def train_dataloader(self) -> TwoSidedLoader:
        """The stream for this process, from the module's current iteration on.

        Raises:
            UserError: If the global batch can't be shared equally.
        """
        a, b = self.streams(self.train_set)
        return TwoSidedLoader(a=a, b=b, size=self.resolution, **self.loader_options())

    def on_after_batch_transfer(self, batch: TranslationBatch, dataloader_idx: int) -> TranslationBatch:
        """Bytes to [-1, 1], on the device: a quarter of the bytes cross the bus."""
        return batch._replace(a=to_unit(batch.a), b=to_unit(batch.b))


class PairedDataModule(TranslationDataModule):
    """Pairs: image i of domain a belongs to image i of domain b, and both are shown in the same crop and flip."""

    def _prepared(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        pairs = super()._prepared(split, size)
        if len(pairs.a) != len(pairs.b):
            raise UserError(f"{len(pairs.a):,} images of domain a and {len(pairs.b):,} of b are no pairs")
        return pairs

    def streams(self, sides: TwoSides) -> tuple[SideStream, SideStream]:
        """One order and one set of views for both."""
        order = EndlessOrder(len(sides.a), self.seed)
        return _stream(sides.a, order, "pair"), _stream(sides.b, order, "pair")

    def description(self) -> str:
        """What there is to train on, in a few words."""
        return f"{self.num_images:,} pairs of images {_shape(self.train_set.a)} -> {_shape(self.train_set.b)}"


class UnpairedDataModule(TranslationDataModule):
    """Two domains without partners, perhaps of unequal numbers; each has an endless order and views of its own."""

    def streams(self, sides: TwoSides) -> tuple[SideStream, SideStream]:
        """Orders and views that have nothing to do with each other."""
        order_a = EndlessOrder(len(sides.a), hashed_seed(self.seed, "domain a"))
        order_b = EndlessOrder(len(sides.b), hashed_seed(self.seed, "domain b"))
        return _stream(sides.a, order_a, "a"), _stream(sides.b, order_b, "b")

    def description(self) -> str:
        """What there is to train on, in a few words."""
        a, b = self.train_set.a, self.train_set.b
        return f"{len(a):,} images {_shape(a)} and {len(b):,} images {_shape(b)} without partners"


def _stream(side: Side, order: EndlessOrder, views: str) -> SideStream:
    return SideStream(side.images, labels_or_minus_one(side.labels, len(side)), order, views)


def _shape(side: Side) -> str:
    return "x".join(map(str, side.images.shape[1:]))
