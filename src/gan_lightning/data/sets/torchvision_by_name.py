"""Further data sets of torchvision, chosen by name: ``data=torchvision data.name=FashionMNIST``.

MNIST and CIFAR-10 have yamls of their own, whose files are checked more strictly (``torchvision_sets``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor
from torchvision import datasets

from gan_lightning.config.near_matches import did_you_mean
from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.image_set import ImageSet
from gan_lightning.errors import UserError


@dataclass(frozen=True)
class KnownSet:
    """How torchvision's class for a data set is asked for its images and classes.

    Args:
        make: The class, or a function like one, that takes root, split ("train" or "test") and download.
        images: The images uint8 [N C H W] of an object of the class.
        labels: Name of the attribute that holds the labels.
        class_names: The names of the classes; None if the object has them as ``classes``.
    """

    make: Callable[..., Any]
    images: Callable[[Any], Tensor]
    labels: str = "targets"
    class_names: Sequence[str] | None = None


def _train_or_test(kind: Callable[..., Any], root: Path, split: str, download: bool) -> Any:
    return kind(root, train=split == "train", download=download)


def _grey(source: Any) -> Tensor:
    return torch.as_tensor(source.data)[:, None]


def _transposed(source: Any) -> Tensor:
    """EMNIST's files have rows and columns exchanged."""
    return _grey(source).transpose(2, 3)


def _channels_last(source: Any) -> Tensor:
    return torch.as_tensor(source.data).permute(0, 3, 1, 2)


def _channels_first(source: Any) -> Tensor:
    return torch.as_tensor(source.data)


DIGITS = tuple("0123456789")
SETS: Mapping[str, KnownSet] = {
    "FashionMNIST": KnownSet(partial(_train_or_test, datasets.FashionMNIST), _grey),
    "KMNIST": KnownSet(partial(_train_or_test, datasets.KMNIST), _grey),
    "EMNIST": KnownSet(partial(_train_or_test, partial(datasets.EMNIST, split="balanced")), _transposed),
    "CIFAR100": KnownSet(partial(_train_or_test, datasets.CIFAR100), _channels_last),
    "SVHN": KnownSet(datasets.SVHN, _channels_first, "labels", DIGITS),
    "STL10": KnownSet(datasets.STL10, _channels_first, "labels"),
}
"""The data sets by torchvision's names: 28 x 28 grey, but CIFAR100 and SVHN 32 x 32 and STL10 96 x 96, in colour."""


class TorchvisionByName(ImageDataModule):
    """A data set of torchvision: FashionMNIST, KMNIST, EMNIST (balanced), CIFAR100, SVHN or STL10.

    torchvision compares its own checksums with what it downloads, and for CIFAR100, SVHN and STL10 with the files each
    time that they are read.

    Args:
        name: torchvision's name of the data set.
        data_dir: The folder that torchvision calls root; nothing is written to it if the files are there.
        download: Whether missing files are downloaded.
        options: The arguments of :class:`ImageDataModule`.

    Raises:
        UserError: If ``name`` is none of these.
    """

    def __init__(
        self, *, name: str | None = None, data_dir: str = "data", download: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        if name is None or name not in SETS:
            raise UserError(
                f"data.name={name}: choose one of {', '.join(SETS)}.{did_you_mean(str(name), SETS)} MNIST and CIFAR-10 "
                "are data=mnist and data=cifar10; of CelebA, unpack its pictures and take data=folder."
            )
        self.name = name
        self.known = SETS[name]
        self.root = Path(data_dir).expanduser().resolve()
        self.download = download

    def prepare_data(self) -> None:
        """Download missing files; processes that share the folder take turns.

        Raises:
            UserError: If the download fails.
        """
        if self.download:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / f".{self.name}.lock"):
                for split in ("train", "test"):
                    self._source(split, download=True)

    def load(self, split: str) -> ImageSet:
        """The images of "train" or "test".

        Raises:
            UserError: If a file is missing or damaged.
        """
        source = self._source(split, download=False)
        labels = torch.as_tensor(getattr(source, self.known.labels)).long()
        names = tuple(source.classes if self.known.class_names is None else self.known.class_names)
        return ImageSet(self.known.images(source).contiguous(), labels, names)

    def description(self) -> str:
        """A few words on the data, for the line that a run prints at its start."""
        return f"{self.name}: {super().description()}"

    def _source(self, split: str, download: bool) -> Any:
        try:
            return self.known.make(self.root, split=split, download=download)
        except ImportError as error:
            raise UserError(f"data.name={self.name} needs a further package: pip install {error.name}") from error
        except (OSError, RuntimeError, ValueError, HTTPException) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{self.name} can't be read from {self.root}: {reason}. data.download=true fetches what is missing; or "
                "let data.data_dir be the folder that torchvision calls root"
            ) from error
