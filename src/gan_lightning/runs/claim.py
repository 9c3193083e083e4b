"""Taking a run folder for one process, and giving it back if training did not start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import ENDED_WITH, MADE_OF, Attempt, RunFolder


class Busy(UserError):
    """Another process trains in this folder."""


@contextmanager
def locked(run: RunFolder) -> Iterator[None]:
    """Keep other processes out of a run folder; when this process ends, however it does, its lock is gone.

    If the run was refused and nothing was written in the folder, the folder is removed.

    Raises:
        UserError: The folder can't be written.
        Busy: Another process is in it.
    """
    lock = FileLock(run.lock.absolute(), timeout=0, is_singleton=True)  # so one process can take it twice
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise Busy(f"{run.path} is being trained in by another process.") from error
    except OSError as error:
        raise UserError(f"Can't write the run folder {run.path}: {error.strerror}.") from error
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            _remove_unused(run)
        lock.release()


def _remove_unused(run: RunFolder) -> None:
    with suppress(OSError):
        if list(run.path.iterdir()) == [run.lock]:
            run.lock.unlink()
            run.path.rmdir()


@contextmanager
def claimed(run: RunFolder, attempt: int, texts: Mapping[str, str]) -> Iterator[None]:
    """Take a run folder for this process, and give it back if training did not start.

    Args:
        run: The run folder.
        attempt: 0 for a new run.
        texts: The record by file name; it becomes the run's own at :func:`promote`.

    Raises:
        UserError: The folder is another run's, in use, or can't be written.
    """
    with locked(run):
        own = _recorded(run, attempt, texts)
        earlier = run.events()
        try:
            yield
        except UserError:
            if not own.process.exists():
                for events in run.events() - earlier:  # begun before the callbacks are asked
                    events.unlink(missing_ok=True)
                shutil.rmtree(own.path, ignore_errors=True)
                with suppress(OSError):  # others are in it
                    run.all_attempts.rmdir()
            raise


def _recorded(run: RunFolder, attempt: int, texts: Mapping[str, str]) -> Attempt:
    """The new folder of an attempt, with its copy of the record."""
    own = run.attempt(attempt)
    try:
        own.path.mkdir(parents=True)  # fails where it exists, so of two that start in one second only one gets it
        for name, text in texts.items():
            (own.path / name).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise UserError(
            f"{run.path} holds a run already: go on with resume={run.path}, or choose another hydra.run.dir."
        ) from error
    except OSError as error:
        raise UserError(f"Can't write the run folder {run.path}: {error.strerror}.") from error
    return own


def promote(own: Attempt) -> None:
    """Training starts: from here on the attempt's record is the run's."""
    run = own.run
    for name in MADE_OF:
        if (source := own.path / name).is_file():
            shutil.copyfile(source, run.path / name)
        else:  # an attempt whose code is that of a commit has no changes to show
            (run.path / name).unlink(missing_ok=True)
    before = run.attempt(max(own.number - 1, 0))
    for name in ENDED_WITH:
        if (earlier := run.path / name).is_file():  # how the attempt before ended; if this one is killed, it did not
            before.path.mkdir(parents=True, exist_ok=True)
            earlier.replace(before.path / name)
