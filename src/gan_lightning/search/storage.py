"""The file in which a study is kept: a journal, which needs no database and to which several processes may append."""

from __future__ import annotations

from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

STUDY = "search"
"""Optuna's name of the study within its file."""
FILE = "study.journal"
"""File of the study, in the search's folder."""


def open_storage(path: str | Path) -> JournalStorage:
    """Open the journal at ``path``, or begin a new one."""
    return JournalStorage(JournalFileBackend(str(path)))


def mend(path: Path) -> None:
    """Drop a last line that a crash cut short, because whatever is appended to such a line can't be read again."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        with path.open("r+b") as file:
            file.truncate(len(whole))
