"""Data sets of torchvision by name, read from small files that the tests write in the data sets' own formats."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_files import write_idx
from numpy.typing import NDArray
from scipy.io import savemat
from torchvision import datasets

from gan_lightning.data.sets.torchvision_by_name import SETS, TorchvisionByName
from gan_lightning.errors import UserError

RNG = np.random.default_rng(0)
Written = tuple[NDArray[np.uint8], list[int]]


def like_mnist(folder: str, prefixes: dict[str, str], transposed: bool = False) -> Callable[..., dict[str, Written]]:
    def write(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Written]:
        found = {}
        for split, prefix in prefixes.items():
            images, labels = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8), RNG.integers(0, 10, 6, dtype=np.uint8)
            stored = images.transpose(0, 2, 1) if transposed else images
            write_idx(root / folder / f"{prefix}-images-idx3-ubyte", np.ascontiguousarray(stored))
            write_idx(root / folder / f"{prefix}-labels-idx1-ubyte", labels)
            found[split] = images[:, None], labels.tolist()
        return found

    return write


def checksum(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def cifar100(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Written]:
    folder, found, sums = root / datasets.CIFAR100.base_folder, {}, {}
    folder.mkdir()
    for split in ("train", "test"):
        images, labels = RNG.integers(0, 256, (6, 3, 32, 32), dtype=np.uint8), RNG.integers(0, 100, 6).tolist()
        (folder / split).write_bytes(pickle.dumps({"data": images.reshape(6, -1), "fine_labels": labels}))
        sums[split] = checksum(folder / split)
        found[split] = images, labels
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"class {i}" for i in range(100)]}))
    monkeypatch.setattr(datasets.CIFAR100, "train_list", [["train", sums["train"]]])
    monkeypatch.setattr(datasets.CIFAR100, "test_list", [["test", sums["test"]]])
    meta = {"filename": "meta", "key": "fine_label_names", "md5": checksum(folder / "meta")}
    monkeypatch.setattr(datasets.CIFAR100, "meta", meta)
    return found


def svhn(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Written]:
    """Matlab's files, in which the digit 0 has the label 10."""
    found, listed = {}, dict(datasets.SVHN.split_list)
    for split in ("train", "test"):
        images = RNG.integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
        labels = np.array([10, 1, 2, 3, 9, 10], dtype=np.uint8)
        path = root / f"{split}_32x32.mat"
        savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": labels[:, None]})
        listed[split] = ["", path.name, checksum(path)]
        found[split] = images, [0, 1, 2, 3, 9, 0]
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)
    return found


def stl10(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Written]:
    """Bytes column by column, with labels from 1 on."""
    folder, found = root / datasets.STL10.base_folder, {}
    folder.mkdir()
    lists: dict[str, list[list[str]]] = {"train": [], "test": []}
    for split in ("train", "test"):
        images, labels = RNG.integers(0, 256, (4, 3, 96, 96), dtype=np.uint8), np.array([1, 10, 3, 1], dtype=np.uint8)
        (folder / f"{split}_X.bin").write_bytes(images.transpose(0, 1, 3, 2).tobytes())
        (folder / f"{split}_y.bin").write_bytes(labels.tobytes())
        lists[split] = [[f"{split}_{part}.bin", checksum(folder / f"{split}_{part}.bin")] for part in "Xy"]
        found[split] = images, [0, 9, 2, 0]
    (folder / "class_names.txt").write_text("\n".join(f"class {i}" for i in range(10)))
    monkeypatch.setattr(datasets.STL10, "train_list", lists["train"])
    monkeypatch.setattr(datasets.STL10, "test_list", lists["test"])
    return found


MNIST_FILES = {"train": "train", "test": "t10k"}
WRITERS: dict[str, Callable[..., dict[str, Written]]] = {
    "FashionMNIST": like_mnist("FashionMNIST/raw", MNIST_FILES),
    "KMNIST": like_mnist("KMNIST/raw", MNIST_FILES),
    "EMNIST": like_mnist("EMNIST/raw", {"train": "emnist-balanced-train", "test": "emnist-balanced-test"}, True),
    "CIFAR100": cifar100,
    "SVHN": svhn,
    "STL10": stl10,
}
CLASSES = {"EMNIST": 47, "CIFAR100": 100}


@pytest.mark.parametrize("name", SETS)
def test_images_and_labels_are_those_of_the_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = WRITERS[name](tmp_path, monkeypatch)
    data = TorchvisionByName(name=name, data_dir=str(tmp_path), batch_size=2)
    data.prepare_data()
    for split, (images, labels) in written.items():
        found = data.split(split)
        assert found.images.numpy().tolist() == images.tolist()
        assert found.labels is not None
        assert found.labels.tolist() == labels
    assert len(data.class_names) == CLASSES.get(name, 10)


@pytest.mark.parametrize("name", SETS)
def test_missing_files_end_in_one_line(name: str, tmp_path: Path) -> None:
    data: Any = TorchvisionByName(name=name, data_dir=str(tmp_path), batch_size=2)
    data.prepare_data()  # nothing is downloaded unasked
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match=rf"{name} can't be read from .*data\.download=true fetches what is missing"):
        data.load("train")


def test_other_names() -> None:
    with pytest.raises(UserError, match=r"data\.name=FashonMNIST: choose one of .* Did you mean FashionMNIST\?"):
        TorchvisionByName(name="FashonMNIST", batch_size=2)
    with pytest.raises(UserError, match=r"data\.name=CelebA.*of CelebA, unpack its pictures and take data=folder"):
        TorchvisionByName(name="CelebA", batch_size=2)
