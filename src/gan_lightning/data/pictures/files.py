"""Where pictures lie: a folder with all that is below it, or a zip, read as it is."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from gan_lightning.errors import UserError

MACOS = "__MACOSX"
"""What macOS puts beside the files of a zip."""


@runtime_checkable
class Files(Protocol):
    """Files to read, hidden ones left out."""

    def listed(self) -> dict[str, str]:
        """The files by name from the root on, with "/", and for each a text that changes when its content does."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a file; several threads may ask at once."""
        ...


class FolderFiles:
    """The files in a folder and in all folders below it, links followed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def listed(self) -> dict[str, str]:
        """By name, with size and time of change.

        Raises:
            UserError: if a folder can't be read.
        """
        try:
            return dict(self._below(self.root, "", ()))
        except OSError as error:
            raise UserError(f"{error.filename} can't be read: {error.strerror}") from error

    def _below(self, folder: Path, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        here = os.path.realpath(folder)
        if here in above:  # a link to a folder that it lies in
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if _hidden(entry.name):
                    continue
                name = f"{prefix}{entry.name}"
                if entry.is_dir():
                    yield from self._below(folder / entry.name, f"{name}/", (*above, here))
                elif entry.is_file():
                    state = entry.stat()
                    yield name, f"{state.st_size} {state.st_mtime_ns}"
                elif entry.is_symlink() and not os.path.exists(entry.path):  # a picture that was there once
                    yield name, "lost"

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self.root / name).read_bytes()


class ZipFiles:
    """The files in a zip; nothing is unpacked to disk.

    Raises:
        UserError: if the file is no zip, or one that needs a password.
    """

    def __init__(self, root: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(root)  # threads may share one: it locks what they share
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(f"data.root={root} is no folder and can't be read as a zip: {error}") from error
        if any(info.flag_bits & 1 for info in self.archive.infolist()):
            raise UserError(f"data.root={root} needs a password: unpack it and give the folder")

    def listed(self) -> dict[str, str]:
        """By name, with size and checksum."""
        files = (info for info in self.archive.infolist() if not info.is_dir())
        return {
            info.filename: f"{info.file_size} {info.CRC}"
            for info in files
            if not any(map(_hidden, info.filename.split("/")))
        }

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return self.archive.read(name)


def files_at(root: Path) -> Files:
    """What there is at ``root``.

    Raises:
        UserError: if that is neither a folder nor a zip.
    """
    if root.is_dir():
        return FolderFiles(root)
    if root.exists():
        return ZipFiles(root)
    raise UserError(f"data.root={root}: there is no such folder or zip")


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == MACOS
