"""MNIST and CIFAR-10 as torchvision keeps them on disk; each file is checked before it is read."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar

import torch
from filelock import FileLock
from torchvision import datasets

from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.image_set import ImageSet
from gan_lightning.errors import UserError


class TorchvisionSet(ImageDataModule):
    """A data set that torchvision can download.

    Args:
        data_dir: The folder that torchvision calls root; nothing is written to it if the files are there.
        download: Whether missing or damaged files are downloaded.
        options: The arguments of :class:`ImageDataModule`.
    """

    folder: ClassVar[str]
    files: ClassVar[dict[str, str]]
    """The MD5 checksum of each file in ``folder``, as in torchvision's own checks."""

    def __init__(self, *, data_dir: str = "data", download: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.root = Path(data_dir).expanduser().resolve()
        self.download = download

    @abstractmethod
    def source(self, train: bool, download: bool) -> Any:
        """The torchvision data set at ``root``."""

    def problems(self) -> list[str]:
        """A few words on each file that is missing or damaged; empty if there is none."""
        folder = self.root / self.folder
        return [f"{name} is {state}" for name, md5 in self.files.items() if (state := _state(folder / name, md5))]

    def prepare_data(self) -> None:
        """Download missing or damaged files; processes that share the folder take turns.

        Raises:
            UserError: If the download fails.
        """
        if not self.download or not (problems := self.problems()):
            return
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / f".{type(self).__name__}.lock"):
                if self.problems():  # another process may have been here first
                    self._set_damaged_aside()
                    self.source(train=True, download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            reason = " ".join(str(error).split())  # torchvision's message has several lines
            raise self._unusable(f"the download failed ({reason})", problems) from error

    def _set_damaged_aside(self) -> None:
        """Rename damaged files, because torchvision takes any file of MNIST that exists for a whole one."""
        for name, md5 in self.files.items():
            path = self.root / self.folder / name
            if _state(path, md5) == "damaged":
                path.replace(path.with_name(f"{name}.damaged"))

    def _unusable(self, why: str, problems: list[str]) -> UserError:
        return UserError(
            f"{type(self).__name__} can't be read from {self.root / self.folder}: {why}. {', '.join(problems)}. "
            f"Put these files there as torchvision unpacks them, or let data.data_dir be a folder that has "
            f"{self.folder} in it, or take data=digits, which needs no files"
        )

    def _checked_source(self, split: str) -> Any:
        """The torchvision data set, after a check that every file is the published one.

        Raises:
            UserError: If a file is missing or damaged.
        """
        if problems := self.problems():
            raise self._unusable("files are missing or damaged, and data.download=true fetches them", problems)
        return self.source(train=split == "train", download=False)


class MNIST(TorchvisionSet):
    """MNIST: 60,000 and 10,000 handwritten digits, 28 x 28 grey (LeCun, Bottou, Bengio and Haffner 1998)."""

    folder = "MNIST/raw"
    files: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }

    def source(self, train: bool, download: bool) -> Any:
        """The torchvision data set at ``root``."""
        return datasets.MNIST(self.root, train=train, download=download)

    def load(self, split: str) -> ImageSet:
        """The images of "train" or "test"."""
        source = self._checked_source(split)
        return ImageSet(source.data[:, None], source.targets.long(), tuple("0123456789"))


class CIFAR10(TorchvisionSet):
    """CIFAR-10: 50,000 and 10,000 photographs in ten classes, 32 x 32 colour (Krizhevsky 2009)."""

    folder = datasets.CIFAR10.base_folder
    files: ClassVar[dict[str, str]] = {
        **dict(datasets.CIFAR10.train_list),
        **dict(datasets.CIFAR10.test_list),
        datasets.CIFAR10.meta["filename"]: datasets.CIFAR10.meta["md5"],
    }

    def source(self, train: bool, download: bool) -> Any:
        """The torchvision data set at ``root``, which unpickles only files whose MD5 it has checked."""
        return datasets.CIFAR10(self.root, train=train, download=download)

    def load(self, split: str) -> ImageSet:
        """The images of "train" or "test"."""
        source = self._checked_source(split)
        images = torch.from_numpy(source.data).permute(0, 3, 1, 2).contiguous()  # torchvision keeps them HWC
        return ImageSet(images, torch.tensor(source.targets), tuple(source.classes))


def _state(path: Path, md5: str) -> str:
    """The state of a file: "missing", "damaged", or an empty text if it is whole."""
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return "" if found == md5 else "damaged"
