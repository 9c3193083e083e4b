"""The files in a folder and all folders below it, or in a zip, which is read without unpacking it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Protocol, runtime_checkable

from gan_lightning.errors import UserError

LARGEST = 500_000_000
"""Largest number of bytes of a picture in a zip."""
MACOS = "__MACOSX"
"""The folder of metadata that macOS adds to a zip."""


@runtime_checkable
class Files(Protocol):
    """A collection of files, without the hidden ones."""

    def listed(self) -> dict[str, str]:
        """Each file's path from the root on, separated by "/", with a text that changes when its content does."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a file; several threads may call this at the same time."""
        ...


class FolderFiles:
    """The files in a folder and in all folders below it, where links are followed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def listed(self) -> dict[str, str]:
        """Each file's path from the root on, with its size and time of change.

        Raises:
            UserError: If a folder cannot be read.
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
                elif entry.is_symlink() and not os.path.exists(entry.path):  # a link to a picture that is gone
                    yield name, "lost"

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self.root / name).read_bytes()


class ZipFiles:
    """The files in a zip, which is not unpacked to disk.

    Args:
        root: The zip file.
        option: Name of the option that says where it is, for the messages.

    Raises:
        UserError: If the file is no zip, or needs a password.
    """

    def __init__(self, root: Path, option: str = "data.root") -> None:
        try:
            self.archive = zipfile.ZipFile(root)  # threads may share it, because it locks what they share
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(f"{option}={root} is no folder and can't be read as a zip: {error}") from error
        if any(info.flag_bits & 1 for info in self.archive.infolist()):
            raise UserError(f"{option}={root} needs a password: unpack it and give the folder")
        self.members = {from_root(info.filename): info for info in self.archive.infolist() if not info.is_dir()}

    def listed(self) -> dict[str, str]:
        """Each file's path in the zip, with its size and checksum."""
        return {
            name: f"{info.file_size} {info.CRC}"
            for name, info in self.members.items()
            if not any(map(_hidden, name.split("/")))
        }

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ValueError: If it takes far more memory than a picture does, which may be hidden in a small zip.
        """
        member = self.members[name]
        if (size := member.file_size) > LARGEST:
            raise ValueError(f"it is {size / 1e9:.1f} GB large unpacked, and at most {LARGEST / 1e9:.1f} are read")
        return self.archive.read(member.filename)


def from_root(name: str) -> str:
    """The path of a file in a zip from the root on, with no slash or drive in front and with "/" between folders.

    A zip may hold any text in place of a path, and what is made of its files is written under these names.
    """
    path = PureWindowsPath(name)  # which also knows "\\" and drives
    return path.relative_to(path.anchor).as_posix()


def files_at(root: Path, option: str = "data.root") -> Files:
    """The files of the folder or zip at ``root``, which ``option`` names.

    Raises:
        UserError: If it is neither a folder nor a zip.
    """
    if root.is_dir():
        return FolderFiles(root)
    if root.exists():
        return ZipFiles(root, option)
    raise UserError(f"{option}={root}: there is no such folder or zip")


def size_of(state: str) -> str:
    """The size of a file, out of the text that :meth:`Files.listed` gives for it; it does not depend on the place."""
    return state.partition(" ")[0]


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == MACOS
