"""The record ``generated.json``, which says from which generator the images beside it were drawn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from gan_lightning.errors import UserError
from gan_lightning.generate.sampler import Sampler
from gan_lightning.runs.folder import GeneratedFolder, RunFolder, read_json
from gan_lightning.runs.loading import Trained
from gan_lightning.runs.provenance import versions


def origin(sampler: Sampler, folder: Path) -> dict[str, Any]:
    """The origin of a sampler's images, for the record in ``folder``: the run, the checkpoint and the options."""
    return {
        **origin_of(sampler.trained, sampler.device, folder),
        "prior": sampler.trained.nodes["prior"],
        "truncation": sampler.truncation,
        "truncation_w": sampler.truncation_w,
        "batch_size": sampler.batch_size,
    }


def origin_of(trained: Trained, device: torch.device, folder: Path) -> dict[str, Any]:
    """The run and the checkpoint of a generator, for the record in ``folder``."""
    return {
        "run": RunFolder.around(trained.file.resolve()).path.name,
        "file": _way_to(trained.file.resolve(), folder.resolve()),
        "weights": trained.weights,
        "sha256": trained.sha256(),
        "trained": dict(trained.counters),
        "generator": trained.nodes["generator"],
        "device": str(device),
        "versions": versions(("gan-lightning", "torch")),
    }


def source_of(folder: Path) -> Path | None:
    """The checkpoint or export that the images in a folder were drawn from, or None if that is not known or it is gone.

    Raises:
        UserError: If the record is damaged.
    """
    path = GeneratedFolder(folder).record
    if not path.is_file():
        return None
    try:
        file = folder / read_json(path)["file"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged: remove it, and say what to measure against, against=RUN_FOLDER."
        ) from error
    return file if file.exists() else None


def run_named_in(folder: Path) -> str | None:
    """The name of the run that the images in a folder were drawn from, or None if the record can't be read.

    It is meant for messages, and says nothing about where the run is now.
    """
    try:
        named = read_json(GeneratedFolder(folder).record)["run"]
    except (OSError, ValueError, KeyError, UserError):
        return None
    return str(named)


def _way_to(file: Path, folder: Path) -> str:
    """The path of the file relative to the folder, which stays true if both are moved together.

    If the two have nothing but the root in common, it is only the file's name, because the relative path would give
    away the file's place on this machine.
    """
    together = os.path.commonpath([file, folder]) if file.anchor == folder.anchor else file.anchor
    return file.name if together == file.anchor else Path(os.path.relpath(file, folder)).as_posix()
