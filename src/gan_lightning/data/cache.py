"""The cache on disk, which keeps arrays that take seconds to make from one run to the next."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Element = TypeVar("Element", bound=np.generic)


def cache_folder() -> Path:
    """The cache folder: ``$GAN_LIGHTNING_CACHE``, or else ``gan_lightning`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if own := os.environ.get("GAN_LIGHTNING_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_lightning"


def cached(name: str, make: Callable[[], NDArray[Element]]) -> NDArray[Element]:
    """The array kept under ``name``, or the result of ``make()``, which is then kept.

    The file is a .npy with a checksum behind it, and a damaged file is made again. Processes that make the same array
    at the same time each put a whole file in place. If the folder can't be written, a warning is given and the run goes
    on.

    Args:
        name: Name of the file; it must change with whatever the array depends on.
        make: Function that makes the array.
    """
    path = cache_folder() / name
    array = _read(path)
    if array is None:
        array = make()
        try:
            _write(path, array)
        except OSError as error:
            warnings.warn(
                f"can't keep {path} ({error.strerror}), so the next run makes it again: "
                "set GAN_LIGHTNING_CACHE to a folder that can be written",
                stacklevel=2,
            )
    return array


def _checksum(content: memoryview) -> bytes:
    return hashlib.blake2b(content).digest()


def _read(path: Path) -> NDArray[Any] | None:
    """The array in the file, or None if the file is missing, torn or altered."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    size = hashlib.blake2b().digest_size
    if _checksum(content[:-size]) != content[-size:]:
        return None
    array: NDArray[Any] = np.load(io.BytesIO(content[:-size]), allow_pickle=False)
    return array


def _write(path: Path, array: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(buffer.getbuffer())
            file.write(_checksum(buffer.getbuffer()))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
