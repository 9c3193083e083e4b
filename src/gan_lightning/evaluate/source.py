"""What ``evaluate.py`` is given: a generator, or pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_lightning.errors import UserError
from gan_lightning.evaluate.pictures import array_of
from gan_lightning.generate.record import source_of
from gan_lightning.outputs import home_of
from gan_lightning.runs.exported import CONFIG
from gan_lightning.runs.folder import RESOLVED
from gan_lightning.runs.loading import checkpoint_of, load_trained

RECORDS = "evaluations.jsonl"


@dataclass(frozen=True)
class Source:
    """What is measured, and what is known of it."""

    path: Path
    """As it was given."""
    generator: Path | None
    """The file or exported folder that holds it; None for pictures."""
    config: Mapping[str, Any]
    """Of the run that it comes from; empty where none is known."""
    records: Path
    """Where the numbers are kept."""


def source_at(path: Path, which: str, allow: Sequence[str]) -> Source:
    """Find out what there is.

    Args:
        path: A run folder, a checkpoint, an exported folder, or a folder, zip or ``.npz`` of images. Those that
            generate.py wrote say which run they come from.
        which: The "last" or the "best" checkpoint of a run folder.
        allow: Modules of the user's own that a stored configuration may name.

    Raises:
        UserError: There is nothing, or it can't be read.
    """
    if not path.exists():
        raise UserError(f"There is nothing at {path}: give a run folder, a checkpoint, or a folder or file of images.")
    if path.is_file() and not is_generator(path) and array_of(path) is None and not zipfile.is_zipfile(path):
        raise UserError(f"{path} is no checkpoint (.ckpt), .npz or zip of images: give one, a run folder or a folder.")
    if is_generator(path):
        file = checkpoint_of(path, which)
        return Source(path, file, load_trained(file, allow=allow).config, home_of(path) / RECORDS)
    origin = source_of(path.parent if path.is_file() and array_of(path) else path)
    config = {} if origin is None else load_trained(origin, allow=allow).config
    return Source(path, None, config, path / RECORDS if path.is_dir() else path.with_suffix(f".{RECORDS}"))


def is_generator(path: Path) -> bool:
    """Whether it is a run folder, a checkpoint or an exported folder, and no folder of pictures."""
    of_run = (path / "checkpoints").is_dir() or (path / RESOLVED).is_file()
    return of_run or path.suffix == ".ckpt" or (path / CONFIG).is_file()
