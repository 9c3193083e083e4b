"""Translations that use data sets which torchvision can download."""

from __future__ import annotations

from typing import Any

from gan_lightning.data.image_set import keep_classes, with_channels
from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST
from gan_lightning.data.translation.datamodule import PairedDataModule, UnpairedDataModule
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import UserError


class CIFAR10Colours(PairedDataModule):
    """Pairs of a grey and a coloured photograph, 32 x 32: the 50,000 and 10,000 of CIFAR-10 and their luma.

    Args:
        data_dir: Folder in which torchvision keeps its data sets.
        download: Whether files that are missing or damaged are downloaded.
        options: The options of :class:`TranslationDataModule`.
    """

    def __init__(self, *, data_dir: str = "data", download: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.photographs = CIFAR10(data_dir=data_dir, download=download, batch_size=self.batch_size)

    def prepare_data(self) -> None:
        """Download the files that are missing or damaged, if ``download`` allows it."""
        self.photographs.prepare_data()

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The photographs of "train" or "test", grey and coloured."""
        found = self.photographs.load(split)
        grey = with_channels(found.images, 1)
        return TwoSides(Side(grey, found.labels), Side(found.images, found.labels), found.class_names)


class CIFAR10Classes(UnpairedDataModule):
    """Two classes of CIFAR-10, such as horses and deer, 32 x 32: 5,000 of each to train and 1,000 to test.

    Args:
        class_a: Name or index of the class that is domain a.
        class_b: Name or index of the class that is domain b.
        data_dir: Folder in which torchvision keeps its data sets.
        download: Whether files that are missing or damaged are downloaded.
        options: The options of :class:`TranslationDataModule`.
    """

    def __init__(
        self,
        *,
        class_a: str | int = "horse",
        class_b: str | int = "deer",
        data_dir: str = "data",
        download: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if class_a == class_b:
            raise UserError(f"data.class_a and data.class_b are both {class_a}: choose two that differ")
        self.classes = class_a, class_b
        self.photographs = CIFAR10(data_dir=data_dir, download=download, batch_size=self.batch_size)

    def prepare_data(self) -> None:
        """Download the files that are missing or damaged, if ``download`` allows it."""
        self.photographs.prepare_data()

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The photographs of "train" or "test" of each class, without labels because a domain is a single class."""
        found = self.photographs.load(split)
        a, b = (Side(keep_classes(found, [each]).images) for each in self.classes)
        return TwoSides(a, b)


class MNISTDigits(UnpairedDataModule):
    """Handwritten (domain a) and rendered digits (domain b), 28 x 28 grey: 60,000 of each to train and 10,000 to test.

    Args:
        render_seed: Seed of the rendered digits.
        data_dir: Folder in which torchvision keeps its data sets.
        download: Whether files that are missing or damaged are downloaded.
        options: The options of :class:`TranslationDataModule`.
    """

    def __init__(self, *, render_seed: int = 0, data_dir: str = "data", download: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.written = MNIST(data_dir=data_dir, download=download, batch_size=self.batch_size)
        self.rendered = Digits(render_seed=render_seed, batch_size=self.batch_size)

    def prepare_data(self) -> None:
        """Download the files that are missing or damaged, if ``download`` allows it."""
        self.written.prepare_data()

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The handwritten and the rendered digits of "train" or "test"."""
        a, b = self.written.load(split), self.rendered.load(split)
        return TwoSides(Side(a.images, a.labels), Side(b.images, b.labels), b.class_names)
