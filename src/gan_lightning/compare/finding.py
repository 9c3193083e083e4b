"""Finds run folders by name, by pattern, and below the folder of a sweep."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import RunFolder

MARKS = (RunFolder.resolved, RunFolder.summary, RunFolder.all_attempts, RunFolder.failure)
"""Files and folders by which a run folder is recognised; one of them is enough."""


def find_runs(sources: Iterable[str]) -> list[Path]:
    """The run folders that are named, that match a pattern, or that lie below a folder such as a sweep's; each once.

    Raises:
        UserError: If a source names no folder, or if there is no run in it.
    """
    found: dict[Path, None] = {}
    for source in sources:
        plain = Path(source)
        folders = [plain] if plain.exists() else sorted(map(Path, glob.glob(str(plain), recursive=True)))
        if not folders:
            raise UserError(f"{source}: there is no such folder, and no folder matches it.")
        below = {run.resolve(): None for folder in folders for run in _runs_below(folder)}
        if not below:
            raise UserError(f"{source} holds no run: a run folder has a {RunFolder.resolved}.")
        found |= below
    return list(found)


def _runs_below(folder: Path) -> Iterator[Path]:
    for parent, folders, _ in os.walk(folder):
        if any(Path(parent, mark).exists() for mark in MARKS):
            folders.clear()
            yield Path(parent)
        folders.sort()
