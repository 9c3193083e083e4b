"""Claiming a run folder for one process, and giving it back if training does not start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from filelock import FileLock, Timeout

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import ENDED_WITH, EVENTS, MADE_OF, Attempt, RunFolder
from gan_lightning.runs.whole_files import replacing


class Busy(UserError):
    """Error that another process trains in this run folder."""


@contextmanager
def locked(run: RunFolder) -> Iterator[None]:
    """Keep other processes out of a run folder. The lock is gone when this process ends, however it ends.

    If the run was refused and nothing was written in the folder, the folder is removed.

    Raises:
        UserError: If the folder can't be written.
        Busy: If another process trains in it.
    """
    lock = FileLock(run.lock.absolute(), timeout=0, is_singleton=True)  # so that one process can take it twice
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


def first_attempt(run: RunFolder) -> int:
    """The number of the attempt that starts a new run in a folder: 0, or more if earlier ones saved nothing.

    Raises:
        UserError: If the folder holds somebody's files, or a run that has a checkpoint or has ended.
    """
    attempts = run.attempts()
    if not attempts:
        if strangers := run.strangers():
            raise UserError(
                f"{run.path} holds files that are no run's, such as {strangers[0].name}: choose another hydra.run.dir, "
                "a new or an empty folder."
            )
        return 0
    if run.checkpoints.is_dir() or run.summary.exists():
        raise UserError(
            f"{run.path} holds a run already: go on with resume={run.path}, or choose another hydra.run.dir."
        )
    return run.next_attempt().number


@contextmanager
def claimed(run: RunFolder, attempt: int, texts: Mapping[str, str]) -> Iterator[None]:
    """Claim a run folder for this process, and give it back if training does not start.

    Args:
        run: The run folder.
        attempt: The number of this start of the run, 0 for a new run.
        texts: The texts of the attempt's record by file name; :func:`promote` makes them the run's own.

    Raises:
        UserError: If the folder belongs to another run, is in use, or can't be written.
    """
    with locked(run):
        own = _recorded(run, attempt, texts)
        earlier = {file.stat().st_ino for file in run.events()}  # not by name, because a logger may rename them
        try:
            yield
        except BaseException:
            _give_back(own, earlier)
            raise
        if attempt > 0:  # nothing was left to do, if it did not train
            _give_back(own, earlier)


def _give_back(own: Attempt, earlier: set[int]) -> None:
    """Remove the folder of an attempt that did not train, and the files of TensorBoard that it has begun."""
    if own.process.exists():
        return
    for events in own.run.events():  # those written before the callbacks can refuse the run
        if events.stat().st_ino not in earlier:
            events.unlink(missing_ok=True)
    shutil.rmtree(own.path, ignore_errors=True)
    with suppress(OSError):  # if other attempts are in it
        own.run.all_attempts.rmdir()
    for entry in own.run.path.glob(f"*/*{own.number}"):  # a folder that a logger has made for this attempt
        with suppress(OSError):  # if something is in it
            entry.rmdir()
            entry.parent.rmdir()


def _recorded(run: RunFolder, attempt: int, texts: Mapping[str, str]) -> Attempt:
    """Make the folder of a new attempt, and write the attempt's copy of the record into it.

    Raises:
        UserError: If the attempt exists already, or its folder can't be written.
    """
    own = run.attempt(attempt)
    try:
        own.path.mkdir(parents=True)  # fails if it exists, so only one of two that start in one second gets it
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
    """Make the record of an attempt the run's own, because its training starts now.

    No file of the run is replaced before all new ones are written.

    Raises:
        UserError: If it can't be written.
    """
    run = own.run
    try:
        with ExitStack() as stack:
            for name in MADE_OF:
                if (source := own.path / name).is_file():
                    shutil.copyfile(source, stack.enter_context(replacing(run.path / name)))
            if own.number and not run.checkpoints.is_dir():
                _set_aside(own)
        for name in MADE_OF:
            if not (own.path / name).is_file():  # if the code is exactly that of a commit, it has no changes to show
                (run.path / name).unlink(missing_ok=True)
        _keep_the_ending_of_the_one_before(own)
    except OSError as error:
        raise UserError(f"Can't write the run folder {run.path}: {error.strerror}.") from error


def _set_aside(own: Attempt) -> None:
    """Move the files of attempts that ended before their first checkpoint into the folder of the last of them."""
    run = own.run
    before = run.attempt(own.number - 1)
    before.path.mkdir(parents=True, exist_ok=True)
    for entry in run.path.iterdir():
        if entry not in (run.all_attempts, run.failed) and not entry.name.startswith("."):
            # under their own names TensorBoard would show its files as another run
            shutil.move(entry, before.path / entry.name.replace(EVENTS, "ended"))


def _keep_the_ending_of_the_one_before(own: Attempt) -> None:
    """Move the files that say how the attempt before ended into its own folder, because the run goes on."""
    run = own.run
    before = run.attempt(max(own.number - 1, 0))
    for name in ENDED_WITH:
        if (earlier := run.path / name).is_file():  # if the new attempt is killed, the run must not seem ended
            before.path.mkdir(parents=True, exist_ok=True)
            earlier.replace(before.path / name)
