"""Files that are written whole or not at all: beside their target first, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A context that gives a temporary file to write to, which takes the place of ``target`` at the end.

    If writing fails or is cut short, what was there before is intact. A reader sees the old file or the new one. What
    is no file, such as ``/dev/stdout``, is written to itself.
    """
    if target.exists() and not target.is_file():
        yield target
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(target: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
