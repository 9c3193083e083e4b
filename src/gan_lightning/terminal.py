"""How a command ends after a user's mistake: with one line on standard error and exit status 2.

Errors of the operating system, such as a full disk, end in one line too. What can't be printed ends nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, NoReturn

from gan_lightning.errors import UserError


class Patient:
    """A stream that goes on without its other end, such as a pipe to ``head`` that has seen enough.

    What is written after that is lost, and whoever writes goes on.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or lose the text if nobody can read it."""
        try:
            return int(self._stream.write(text))
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        """Flush, or lose what is left."""
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Let the stream lead nowhere, also for what it still holds and for other processes that share it."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def patient_output() -> Iterator[None]:
    """A context in which output that can't be written ends nothing."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(Patient(sys.stdout)))
        stack.enter_context(redirect_stderr(Patient(sys.stderr)))
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """A context in which a mistake ends the program with one line and status 2, without a traceback.

    A :class:`UserError` is one, and so is what the operating system refuses: a disk is full, a file can't be written.
    """
    try:
        yield
    except UserError as error:
        end(str(error))
    except OSError as error:
        if error.errno is None:  # not the system's own, such as Hydra's for a missing yaml, which others put in words
            raise
        end(refusal(error))


def refusal(error: OSError) -> str:
    """One line on what the operating system refused, and on which file."""
    file = f"{error.filename}: " if error.filename is not None else ""
    return f"{file}{error.strerror or ' '.join(str(error).split())}."


def end(message: str) -> NoReturn:
    """Print the message as an error and exit with status 2."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)
