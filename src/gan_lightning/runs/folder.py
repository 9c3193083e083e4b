"""The run folder's own record: what was asked for, what is built, by which attempt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gan_lightning.errors import UserError

LOCK = ".lock"
COMPOSED = "config.yaml"
RESOLVED = "resolved.yaml"
COMMAND = "GAN_LIGHTNING_COMMAND"
"""In the environment of a sweep's jobs: its line, for their own words are Hydra's, or those of a launcher's program."""
OVERRIDES = "overrides.txt"
"""What was typed, a line each."""
CHANGES = "changes.diff"
FAILURE = "failure.json"
TRACEBACK = "traceback.txt"
SUMMARY = "summary.json"
METRICS = "metrics.jsonl"
EVENTS = "tfevents"
"""In the names of files that TensorBoard reads, wherever they lie."""
PROCESS = "rank-0.json"
"""In the folder of an attempt: what its first process is, written when training begins."""
RECORD = (COMPOSED, RESOLVED, OVERRIDES, "provenance.json", CHANGES)


def attempt_folder(folder: Path, attempt: int) -> Path:
    """Where an attempt keeps its own copy of the record."""
    return folder / "attempts" / str(attempt)


class Busy(UserError):
    """Another process trains in this folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run folder; where one of them ends, however it does, its lock is gone.

    A folder in which nothing was written, for the run was refused, goes with it.

    Raises:
        UserError: The folder can't be written.
        Busy: Another process is in it.
    """
    lock = FileLock(folder.absolute() / LOCK, timeout=0, is_singleton=True)  # so one process can take it twice
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise Busy(f"{folder} is being trained in by another process.") from error
    except OSError as error:
        raise UserError(f"Can't write the run folder {folder}: {error.strerror}.") from error
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            _remove_unused(folder)
        lock.release()


def _remove_unused(folder: Path) -> None:
    with suppress(OSError):
        if [entry.name for entry in folder.iterdir()] == [LOCK]:
            (folder / LOCK).unlink()
            folder.rmdir()


@contextmanager
def claimed(folder: Path, attempt: int, texts: Mapping[str, str]) -> Iterator[None]:
    """Take a run folder for this process, and give it back if training did not start.

    Args:
        folder: The run folder.
        attempt: 0 for a new run.
        texts: The record by file name; it becomes the run's own at :func:`promote`.

    Raises:
        UserError: The folder is another run's, in use, or can't be written.
    """
    with locked(folder):
        own = _recorded(folder, attempt, texts)
        earlier = set(folder.glob(f"*{EVENTS}*"))
        try:
            yield
        except UserError:
            if not (own / PROCESS).exists():
                for events in set(folder.glob(f"*{EVENTS}*")) - earlier:  # begun before the callbacks are asked
                    events.unlink(missing_ok=True)
                shutil.rmtree(own, ignore_errors=True)
                with suppress(OSError):  # others are in it
                    own.parent.rmdir()
            raise


def _recorded(folder: Path, attempt: int, texts: Mapping[str, str]) -> Path:
    """The new folder of an attempt, with its copy of the record."""
    own = attempt_folder(folder, attempt)
    try:
        own.mkdir(parents=True)  # fails where it exists, so of two that start in one second only one gets it
        for name, text in texts.items():
            (own / name).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise UserError(
            f"{folder} holds a run already: go on with resume={folder}, or choose another hydra.run.dir."
        ) from error
    except OSError as error:
        raise UserError(f"Can't write the run folder {folder}: {error.strerror}.") from error
    return own


def promote(folder: Path, attempt: int) -> None:
    """Training starts: from here on the attempt's record is the run's."""
    for name in RECORD:
        if (source := attempt_folder(folder, attempt) / name).is_file():
            shutil.copyfile(source, folder / name)
        else:  # an attempt whose code is that of a commit has no changes to show
            (folder / name).unlink(missing_ok=True)
    before = attempt_folder(folder, max(attempt - 1, 0))
    for name in (SUMMARY, FAILURE, TRACEBACK):
        if (earlier := folder / name).is_file():  # how the attempt before ended; this one, if it is killed, did not
            before.mkdir(parents=True, exist_ok=True)
            earlier.replace(before / name)
