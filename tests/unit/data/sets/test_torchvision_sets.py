"""MNIST and CIFAR-10 on disk: tiny files in their formats everywhere, and the real ones if they are at hand."""

from __future__ import annotations

import hashlib
import pickle
import re
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from idx_files import write_idx
from torchvision import datasets

from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST, TorchvisionSet
from gan_lightning.errors import UserError

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def tiny_mnist(root: Path) -> None:
    """Write six training and three test images, whose pixels have the value of their label."""
    for split, count in (("train", 6), ("t10k", 3)):
        labels = np.arange(count, dtype=np.uint8)
        images = np.repeat(labels, 28 * 28).reshape(count, 28, 28)
        write_idx(root / MNIST.folder / f"{split}-images-idx3-ubyte", images)
        write_idx(root / MNIST.folder / f"{split}-labels-idx1-ubyte", labels)


def tiny_cifar10(root: Path) -> None:
    """Write files of two images each, whose red, green and blue are 10, 20 and 30, and 11, 21 and 31."""
    folder = root / CIFAR10.folder
    folder.mkdir(parents=True)
    first = np.repeat([10, 20, 30], 32 * 32).astype(np.uint8)
    batch = {"data": np.stack([first, first + 1]), "labels": [3, 7]}
    for name in CIFAR10.files:
        content = {"label_names": CLASSES} if name == "batches.meta" else batch
        (folder / name).write_bytes(pickle.dumps(content))


@pytest.fixture
def mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny MNIST that passes for the published one."""
    tiny_mnist(tmp_path)
    monkeypatch.setattr(MNIST, "files", {name: md5(tmp_path / MNIST.folder / name) for name in MNIST.files})
    return tmp_path


@pytest.fixture
def cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny CIFAR-10 that passes for the published one, in torchvision's own checks too."""
    tiny_cifar10(tmp_path)
    sums = {name: md5(tmp_path / CIFAR10.folder / name) for name in CIFAR10.files}
    monkeypatch.setattr(CIFAR10, "files", sums)
    for table in ("train_list", "test_list"):
        names = [name for name, _ in getattr(datasets.CIFAR10, table)]
        monkeypatch.setattr(datasets.CIFAR10, table, [[name, sums[name]] for name in names])
    meta = {**datasets.CIFAR10.meta, "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return tmp_path


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchvision's downloads fail as they do without a network."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("<urlopen error no network>")

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fail)
    monkeypatch.setattr(datasets.cifar, "download_and_extract_archive", fail)


def ready(data: TorchvisionSet) -> TorchvisionSet:
    data.prepare_data()
    data.setup("fit")
    return data


def test_mnist_is_read(mnist: Path) -> None:
    data = ready(MNIST(batch_size=2, data_dir=str(mnist)))
    assert data.train_set.images.shape == (6, 1, 28, 28)
    assert data.train_set.labels is not None
    assert torch.equal(data.train_set.images[:, 0, 14, 14].long(), data.train_set.labels)
    assert data.split("test").images.shape == (3, 1, 28, 28)
    assert data.class_names == tuple("0123456789")


def test_cifar10_is_read_channels_first(cifar10: Path) -> None:
    data = ready(CIFAR10(batch_size=2, data_dir=str(cifar10)))
    assert data.train_set.images.shape == (10, 3, 32, 32)
    assert data.train_set.images.is_contiguous()
    assert data.train_set.images[1, :, 5, 9].tolist() == [11, 21, 31]
    assert data.train_set.labels is not None
    assert data.train_set.labels.tolist() == [3, 7] * 5
    assert data.split("test").images.shape == (2, 3, 32, 32)
    assert data.class_names == tuple(CLASSES)


def test_complete_files_are_only_read(mnist: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in mnist.rglob("*")}
    ready(MNIST(batch_size=2, data_dir=str(mnist), download=True))
    assert {path: path.stat().st_mtime_ns for path in mnist.rglob("*")} == before


@pytest.mark.parametrize("kind", [MNIST, CIFAR10])
@pytest.mark.usefixtures("unplugged")
def test_without_files_or_network_it_says_what_to_do(kind: type[TorchvisionSet], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no network") as caught:
        kind(batch_size=2, data_dir=str(tmp_path / "data"), download=True).prepare_data()
    message = str(caught.value)
    assert str(tmp_path / "data" / kind.folder) in message
    assert "data=digits" in message
    assert all(f"{name} is missing" in message for name in kind.files)


@pytest.mark.parametrize("kind", [MNIST, CIFAR10])
def test_with_download_off_nothing_is_fetched_or_written(kind: type[TorchvisionSet], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.download=true"):
        ready(kind(batch_size=2, data_dir=str(tmp_path), download=False))
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "data" / "MNIST" / "raw"))):
        ready(MNIST(batch_size=2, download=False))


@pytest.mark.parametrize("kind", ["mnist", "cifar10"])
def test_a_damaged_file_is_named(kind: str, request: pytest.FixtureRequest) -> None:
    root = request.getfixturevalue(kind)
    data = {"mnist": MNIST, "cifar10": CIFAR10}[kind](batch_size=2, data_dir=str(root), download=False)
    name = list(data.files)[1]
    path = root / data.folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(UserError, match=f"{name} is damaged") as caught:
        ready(data)
    assert "missing." not in str(caught.value)
    assert next(iter(data.files)) not in str(caught.value)


def test_torchvision_unpickles_nothing_that_it_has_not_checked(cifar10: Path, tmp_path: Path) -> None:
    """Loading a pickle runs what its author wrote, so files must be checked before, by torchvision too."""
    bomb = f"cos\nmkdir\n(V{tmp_path / 'ran'}\ntR."
    (cifar10 / CIFAR10.folder / "data_batch_3").write_text(bomb)
    with pytest.raises(RuntimeError, match="corrupted"):
        datasets.CIFAR10(cifar10, download=False)
    with pytest.raises(UserError, match="data_batch_3 is damaged"):
        ready(CIFAR10(batch_size=2, data_dir=str(cifar10), download=False))
    assert not (tmp_path / "ran").exists()


def test_a_damaged_file_is_fetched_again(mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchvision takes any file of MNIST that exists for a whole one, so a damaged file is moved away first."""
    path = mnist / MNIST.folder / "t10k-labels-idx1-ubyte"
    whole = path.read_bytes()
    path.write_bytes(b"torn")

    def fetch(url: str, download_root: str, filename: str, md5: str) -> None:
        if filename == f"{path.name}.gz":
            path.write_bytes(whole)

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fetch)
    assert ready(MNIST(batch_size=2, data_dir=str(mnist), download=True)).num_images == 6
    assert path.read_bytes() == whole
    assert path.with_name(f"{path.name}.damaged").read_bytes() == b"torn"


def test_two_processes_download_once(mnist: Path, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second process waits for the first and then finds the files."""
    root = tmp_path_factory.mktemp("shared")
    log = root / "fetched"

    def fetch(url: str, download_root: str, filename: str, md5: str) -> None:
        with log.open("a") as file:
            file.write(f"{filename}\n")
        time.sleep(0.1)
        name = filename.removesuffix(".gz")
        (Path(download_root) / name).write_bytes((mnist / MNIST.folder / name).read_bytes())

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fetch)
    context = get_context("fork")
    data = MNIST(batch_size=2, data_dir=str(root), download=True)
    processes = [context.Process(target=data.prepare_data) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(log.read_text().split()) == sorted(f"{name}.gz" for name in MNIST.files)


@pytest.mark.parametrize(
    ("kind", "train", "test", "mean"),
    [
        (MNIST, (60_000, 1, 28, 28), (10_000, 1, 28, 28), 33.3184),
        (CIFAR10, (50_000, 3, 32, 32), (10_000, 3, 32, 32), 120.7076),
    ],
)
def test_the_real_data(
    kind: type[TorchvisionSet], train: tuple[int, ...], test: tuple[int, ...], mean: float, data_dir: Path
) -> None:
    data = ready(kind(batch_size=64, data_dir=str(data_dir)))
    assert data.train_set.images.shape == train
    assert data.split("test").images.shape == test
    assert data.train_set.images.double().mean().item() == pytest.approx(mean, abs=1e-3)
    assert data.num_classes == 10
