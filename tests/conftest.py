"""What every test stands on: checked shapes, one thread, a fixed seed, no network, a cache of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, and for the processes that tests start
install_import_hook("gan_lightning", "checker.checked")  # before anything of ours is imported

import pytest  # noqa: E402
import torch  # noqa: E402

LOCAL_HOSTS = {None, "", "localhost", "0.0.0.0", "::", "::1", socket.gethostname()}


def _refuse_other_machines(host: str | None) -> None:
    if host not in LOCAL_HOSTS and not host.startswith("127."):
        raise OSError(f"the tests run offline and {host} is not this machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fork first: a fork of a process in which others have left threads may wait for a lock that nobody holds.

    Where tests run side by side, those of a file stay together, since they share what its fixtures trained.
    """

    def forks(item: pytest.Item) -> bool:
        return item.get_closest_marker("forks") is not None

    items.sort(key=lambda item: not forks(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name}{' forks' if forks(item) else ''}"))


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """What needs the network fails here, as with the cable unplugged, and not first on a machine without one."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_other_machines(address[0])
        connect(self, address)

    def look_up_here(host: str | None, *args: Any, **kwargs: Any) -> list[Any]:
        _refuse_other_machines(host)
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        patch.setattr(socket, "getaddrinfo", look_up_here)
        yield


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for made data: this session's own, shared by its tests and by the processes that they start."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_LIGHTNING_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _same_start() -> None:
    """A test sees the same threads and the same random numbers alone and after any other."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """A folder with MNIST and CIFAR-10 as torchvision lays them out; it may be read-only."""
    if not (folder := os.environ.get("GAN_LIGHTNING_DATA")):
        pytest.skip("needs real data: set GAN_LIGHTNING_DATA to a folder with torchvision's MNIST and CIFAR-10")
    return Path(folder)
