"""An array that is kept between runs is read whole, or made again."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gan_lightning.data.cache import cache_folder, cached

ARRAY = np.arange(5000, dtype=np.uint8).reshape(50, 100)


class Maker:
    """A function that makes the array and counts its calls."""

    calls = 0

    def __call__(self) -> NDArray[np.uint8]:
        self.calls += 1
        return ARRAY


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_made_once(folder: Path) -> None:
    make = Maker()
    for _ in range(3):
        assert np.array_equal(cached("a.npy", make), ARRAY)
    assert make.calls == 1
    assert [path.name for path in folder.iterdir()] == ["a.npy"]


def test_the_file_is_a_plain_npy(folder: Path) -> None:
    cached("a.npy", Maker())
    assert np.array_equal(np.load(folder / "a.npy", allow_pickle=False), ARRAY)


def test_what_is_read_can_be_written_to(folder: Path) -> None:
    cached("a.npy", Maker())
    assert cached("a.npy", Maker()).flags.writeable


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[:20], id="shorter than a checksum"),
        pytest.param(lambda content: content[:-1], id="truncated"),
        pytest.param(lambda content: content[:3000] + b"\0" + content[3001:], id="one byte altered"),
        pytest.param(lambda content: content + b"\0", id="too long"),
    ],
)
def test_a_damaged_file_is_made_again(damage: Callable[[bytes], bytes], folder: Path) -> None:
    make = Maker()
    cached("a.npy", make)
    whole = (folder / "a.npy").read_bytes()
    (folder / "a.npy").write_bytes(damage(whole))
    assert np.array_equal(cached("a.npy", make), ARRAY)
    assert make.calls == 2
    assert (folder / "a.npy").read_bytes() == whole


def test_a_folder_that_cannot_be_written_only_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "file"))  # fails for root too, unlike a mode of 0555
    with pytest.warns(UserWarning, match="GAN_LIGHTNING_CACHE"):
        assert np.array_equal(cached("a.npy", Maker()), ARRAY)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"GAN_LIGHTNING_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/gan_lightning"),
        ({"HOME": "/c"}, "/c/.cache/gan_lightning"),
    ],
)
def test_the_folder_follows_the_environment(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GAN_LIGHTNING_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def race(offset: int) -> None:
    """Read files that the other process makes, replaces and deletes at the same time."""
    array = np.arange(2_000_000, dtype=np.uint8)
    for i in range(40):
        name = f"race-{i % 2}.npy"
        assert np.array_equal(cached(name, lambda: array), array)
        if i % 5 == offset:
            (cache_folder() / name).unlink(missing_ok=True)


def test_two_processes_at_once_see_whole_files(folder: Path) -> None:
    context = get_context("fork")  # a fresh interpreter would spend seconds on imports
    processes = [context.Process(target=race, args=(i,)) for i in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert {path.name for path in folder.iterdir()} <= {"race-0.npy", "race-1.npy"}
