"""The file that a study is kept in: a journal, which needs no database and which several processes may append to."""

from __future__ import annotations

from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

STUDY = "search"
FILE = "study.journal"


def open_storage(path: str | Path) -> JournalStorage:
    """Open it, or begin one."""
    return JournalStorage(JournalFileBackend(str(path)))


def mend(path: Path) -> None:
    """Drop a last line that a crash cut short: what is appended to it could never be read again."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        with path.open("r+b") as file:
            file.truncate(len(whole))
