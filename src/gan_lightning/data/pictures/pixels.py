"""Decoded pictures kept on disk between runs: a file of raw bytes, which can be mapped, and a file of facts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import IO

import torch
from filelock import FileLock, Timeout

from gan_lightning.data.cache import cache_folder
from gan_lightning.data.image_set import CHUNK, with_channels
from gan_lightning.data.pictures.decoding import Picture, is_grey
from gan_lightning.errors import UserError
from gan_lightning.images import Resolution, height_and_width
from gan_lightning.types import Bytes

FACTS = "facts.json"
ELSEWHERE = "set GAN_LIGHTNING_CACHE to a folder that has the room and can be written"


@dataclass(frozen=True)
class Facts:
    """The facts about stored pictures that are kept beside them.

    Args:
        count: Number of pictures that could be read.
        channels: Number of channels: 1 if all pictures are grey, else 3.
        resolution: Side of the pictures in pixels, or their height and width.
        unreadable: Name of each file that gave no picture, with the reason.
    """

    count: int
    channels: int
    resolution: Resolution
    unreadable: dict[str, str]


@dataclass(frozen=True)
class Pixels:
    """The pictures stored in a folder, in the order of their files."""

    folder: Path
    facts: Facts

    def mapped(self, channels: int) -> Bytes:
        """All pictures [N C H W], mapped from disk: the system reads those that are used, and drops them if it must.

        Args:
            channels: Number of channels: 1 for luma, 3 for colour. If it is not the pictures' own number, they are
                converted once and the result is kept too.

        Raises:
            UserError: If converted pictures cannot be stored.
        """
        if not _whole(self.folder, self.facts, channels):
            with _turn(self.folder):
                if not _whole(self.folder, self.facts, channels):
                    _convert(self.folder, self.facts, channels)
        return _mapped(self.folder, self.facts, channels)


def stored(
    key: str, resolution: Resolution, count: int, pictures: Callable[[], Iterable[tuple[str, Picture | str]]]
) -> Pixels:
    """The pictures stored under ``key``, which are made first if they are not there.

    If several processes ask for them, the first one makes them while the others wait.

    Args:
        key: A text that changes with whatever the pictures depend on.
        resolution: Side of the pictures in pixels, or their height and width.
        count: Number of files.
        pictures: Function that decodes the files and yields each one's name with its picture, or with the reason why it
            has none.

    Raises:
        UserError: If the pictures cannot be stored.
    """
    folder = cache_folder() / f"pictures-{key}"
    if (facts := _facts(folder)) is None:
        with _turn(folder):
            if (facts := _facts(folder)) is None:
                _require_room(folder.parent, 3 * count * prod(height_and_width(resolution)))
                facts = _store(folder, resolution, pictures())
    return Pixels(folder, facts)


def _store(folder: Path, resolution: Resolution, pictures: Iterable[tuple[str, Picture | str]]) -> Facts:
    """Write the pictures into a folder that gets the name ``folder`` once it is complete."""
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # left by a process that was killed
    unfinished.mkdir()
    try:
        count, grey, unreadable = 0, True, {}
        with _whole_file(_path(unfinished, 3)) as file:
            for name, picture in pictures:
                if isinstance(picture, str):
                    unreadable[name] = picture
                else:
                    count, grey = count + 1, grey and is_grey(picture)
                    file.write(picture.tobytes())
        facts = Facts(count, 3, resolution, unreadable)
        if grey and count:
            _convert(unfinished, facts, 1)
            _path(unfinished, 3).unlink()
            facts = Facts(count, 1, resolution, unreadable)
        (unfinished / FACTS).write_text(json.dumps(asdict(facts)), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        return facts
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _facts(folder: Path) -> Facts | None:
    """The facts of stored pictures, or None if they are missing or the pixels are not as long as they say."""
    try:
        facts = Facts(**json.loads((folder / FACTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return facts if _whole(folder, facts, facts.channels) else None


def _whole(folder: Path, facts: Facts, channels: int) -> bool:
    path = _path(folder, channels)
    return path.is_file() and path.stat().st_size == _size(facts, channels)


def _convert(folder: Path, facts: Facts, channels: int) -> None:
    with _whole_file(_path(folder, channels)) as file:
        for part in torch.split(_mapped(folder, facts, facts.channels), CHUNK):
            file.write(with_channels(part, channels).numpy().tobytes())


def _mapped(folder: Path, facts: Facts, channels: int) -> Bytes:
    # not shared, so that writing to it makes a copy and nothing can alter the file
    pixels = torch.from_file(str(_path(folder, channels)), False, _size(facts, channels), dtype=torch.uint8)
    return pixels.view(facts.count, channels, *height_and_width(facts.resolution))


def _path(folder: Path, channels: int) -> Path:
    return folder / f"{channels}.raw"


def _size(facts: Facts, channels: int) -> int:
    return facts.count * channels * prod(height_and_width(facts.resolution))


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """A context in which this process is the only one that writes to ``folder``.

    Raises:
        UserError: If the disk refuses what is done in the context.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_suffix(".lock"))
        try:
            turn = lock.acquire(timeout=0)
        except Timeout:
            print(f"another process is reading these pictures into {folder}: waiting for it", flush=True)
            turn = lock.acquire()
        with turn:
            yield
    except OSError as error:
        raise UserError(f"Decoded pictures can't be kept in {folder.parent} ({error.strerror}): {ELSEWHERE}") from error


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"The decoded pictures take {needed / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB left: {ELSEWHERE}, "
            "or choose a smaller data.resolution"
        )


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that gets its name once all is written, so a stop of the machine leaves no part of one."""
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
