"""Checkpoints on disk: written whole or not at all, made of plain types only, and read under ``weights_only=True``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from lightning.fabric.plugins.io import CheckpointIO
from torch import Tensor

from gan_lightning.config.moved import checkpoint_up_to_date, up_to_date
from gan_lightning.errors import UserError
from gan_lightning.runs.checkpoint_checks import believed
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.whole_files import replacing

VERSION = 2
"""Version of the ``gan_lightning`` record in a checkpoint."""
PLAIN = (Tensor, str, int, float, bool, bytes, type(None), torch.dtype, torch.Size)


class AtomicCheckpointIO(CheckpointIO):
    """Checkpoint files that a reader sees either old or new: written beside the target, flushed to disk, then renamed.

    Lightning's own class writes a temporary file elsewhere and copies it, so that a crash during the copy leaves a torn
    file.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write ``checkpoint`` to ``path``.

        Raises:
            UserError: If the disk is full or the folder can't be written; an earlier file at ``path`` stays intact.
            TypeError: If it holds something that ``weights_only=True`` would refuse to load.
        """
        require_plain(checkpoint)
        target = Path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary, temporary.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            flush_folder(target.parent)
        except (OSError, RuntimeError) as error:
            # if the disk is full, torch's zip writer raises a RuntimeError whose context is the system's own error
            own = next((each for each in (error, error.__context__) if isinstance(each, OSError)), None)
            reason = own.strerror if own is not None else _first_line(error)
            raise UserError(f"Can't write the checkpoint {target}: {reason}. Earlier ones are intact.") from error

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any | None = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read one of our checkpoints to the CPU, always under ``weights_only=True``, whatever the caller asks for."""
        return load_checkpoint(path)

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete a checkpoint if it exists."""
        Path(path).unlink(missing_ok=True)


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint to the CPU under ``weights_only=True``.

    Raises:
        UserError: If the file is missing, damaged, or not a checkpoint of this project.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"There is no checkpoint at {file}.")
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a damaged file; the text has the reason
        previous = file.with_name(RunFolder.previous.name)
        hint = f" The one before it is {previous}." if file.name == RunFolder.last.name and previous.is_file() else ""
        # torch's own text for this says how to load the file with weights_only=False, which would run what it holds
        strange = isinstance(error, UnpicklingError)
        reason = "it holds something else than tensors and plain values" if strange else _first_line(error)
        raise UserError(f"{file} is damaged or no checkpoint ({reason}).{hint}") from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("gan_lightning"), dict):
        raise UserError(f"{file} is no checkpoint of gan-lightning: it lacks the 'gan_lightning' record.")
    version = checkpoint["gan_lightning"].get("version")
    if version == 1:
        with believed(file):
            return checkpoint_up_to_date(checkpoint)
    if version != VERSION:
        raise UserError(
            f"{file} has format {version}, but this release reads up to {VERSION}: use the release that wrote it."
        )
    if isinstance(checkpoint.get("config"), Mapping):
        with believed(file):
            return {**checkpoint, "config": up_to_date(checkpoint["config"])}
    return checkpoint


def require_plain(value: Any, where: str = "checkpoint") -> None:
    """Refuse a value that could not be read back under ``weights_only=True``.

    Args:
        value: The value to check, with all that it contains.
        where: The name of ``value`` in the error message.

    Raises:
        TypeError: If something in it is not of a plain type; the message names the place and the type.
    """
    if isinstance(value, Mapping) and type(value).__module__ in ("builtins", "collections"):
        for key, item in value.items():
            require_plain(key, f"{where} (a key)")
            require_plain(item, f"{where}[{key!r}]")
    elif type(value) in (list, tuple, set):
        for index, item in enumerate(value):
            require_plain(item, f"{where}[{index}]")
    elif not (type(value) in PLAIN or isinstance(value, Tensor)):
        raise TypeError(f"{where} is a {type(value).__module__}.{type(value).__qualname__}: save plain types only.")


def flush_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_copy(source: Path, copy: Path) -> None:
    """Give a file a second name, atomically, and without writing its bytes again if the file system has hard links."""
    with replacing(copy) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:  # some network and FAT file systems have no hard links
            temporary.write_bytes(source.read_bytes())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
