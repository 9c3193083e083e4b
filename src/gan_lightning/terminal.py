"""How a command begins, and how it ends after a user's mistake: with one line on standard error and exit status 2.

Each verb is a command of its own, such as ``python train.py`` or ``gan-train``; ``gan-lightning train`` is the same.
Errors of the operating system, such as a full disk, end in one line too. A signal, such as Ctrl-C, ends a command with
its own status and without a traceback from the first import on. What can't be printed ends nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Any, NoReturn

from gan_lightning.errors import UserError

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name))
"""The signals that ask a program to end; Windows has only the first two."""

CLEARING_UP_S = 30.0
"""Seconds that a program has to end after a signal."""
_left: list[int] = []
"""The signal that ends this program, if there was one."""


def start(module: str) -> None:
    """Run the command in a module, whose import may take seconds in which a signal has to end it in order too.

    Args:
        module: Name of the module, whose function ``main`` is the command.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    try:
        import_module(module).main()
    finally:
        if _left:  # an import that was interrupted may have turned the exit into another error
            sys.exit(128 + _left[0])


def last_words(text: str) -> None:
    """Write a line to standard error from a signal handler, which may have interrupted a line that was being written.

    Python's own stream does not allow that.
    """
    with suppress(OSError):
        os.write(2, f"\n{text}\n".encode())


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    if _left:  # a second signal, for whoever does not want to wait for the clearing up
        os._exit(128 + number)
    _left.append(number)
    last_words("interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}")
    # whoever catches the exit and goes on, as a few packages do while they are imported, is silent and has not long
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (it stays open until the end)
    late = threading.Timer(CLEARING_UP_S, os._exit, (128 + number,))
    late.daemon = True
    late.start()
    sys.exit(128 + number)


COMMAND = "gan-lightning"
"""Name of the command that has all verbs."""
VERBS = {
    "train": ("gan_lightning.cli", "train a GAN, a sweep or a search, and go on with a run"),
    "evaluate": ("gan_lightning.evaluate.command", "measure a trained generator or a folder of images"),
    "generate": ("gan_lightning.generate.command", "draw images from a trained generator"),
    "export": ("gan_lightning.export.command", "write a generator as files for others to use"),
    "compare": ("gan_lightning.compare.command", "compare runs and sweeps, or report on a single run"),
    "check": ("gan_lightning.check.command", "say what this machine has, and train ten steps"),
}
"""The module of each verb and what the verb does."""
COMPLETION = ("-sc", "--shell-completion", "--shell_completion")
"""Words by which a shell asks Hydra for its completion script, and then for what may come next."""
_chosen: list[str] = []
"""The verb of ``gan-lightning VERB``, if this program was started by that command."""

train, evaluate, generate, export, compare = (
    partial(start, VERBS[verb][0]) for verb in ("train", "evaluate", "generate", "export", "compare")
)


def gan_lightning() -> None:
    """Entry point of ``gan-lightning``, whose first word is the verb."""
    program, *words = sys.argv
    verb = words[0] if words else "--help"
    if verb in ("--help", "-h"):
        sys.stdout.write(_help_on_verbs())
    elif verb == "--version":
        sys.stdout.write(f"{COMMAND} {_version()}\n")
    elif verb in COMPLETION:
        _complete(words)
    elif verb not in VERBS:
        end(f"There is no {COMMAND} {verb}: the verbs are {', '.join(VERBS)} ({COMMAND} --help).")
    else:
        _chosen[:] = [verb]
        sys.argv = [program, *words[1:]]
        start(VERBS[verb][0])


def called(script: str) -> str:
    """The beginning of this command's line: ``python train.py`` of the script, or ``gan-lightning train``.

    Messages name the command in the way in which it was called, because an installed package has no scripts.
    """
    return f"{COMMAND} {script.removesuffix('.py')}" if _chosen else f"python {script}"


def program() -> list[str]:
    """The words that started this command, without the interpreter: ``[train.py]`` or ``[gan-lightning, train]``."""
    return [COMMAND, *_chosen] if _chosen else sys.argv[:1]


def after_python(words: Sequence[str]) -> list[str]:
    """A command that can be typed: ``python`` stands before a script, and nothing before a program."""
    return ["python", *words] if words and words[0].endswith(".py") else list(words)


def _version() -> str:
    try:
        return version(COMMAND)
    except PackageNotFoundError:  # a checkout on PYTHONPATH, which was never installed
        return "(not installed)"


def _help_on_verbs() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:{width}}  {what}" for name, (_, what) in VERBS.items())
    return (
        "Experiments with generative adversarial networks (GANs).\n\n"
        f"  {COMMAND} VERB [option=value ...]\n\n{verbs}\n\n"
        f"{COMMAND} VERB --help lists the options of a verb, {COMMAND} --version says the version, and\n"
        f'eval "$({COMMAND} {COMPLETION[0]} install=bash)" completes words in this shell.\n'
    )


def _complete(words: list[str]) -> None:
    """Answer a shell: the script that asks and the options of ``train`` are Hydra's own, the verbs are ours.

    For the other verbs there is no answer, so that the shell offers files, such as run folders.
    """
    line = os.environ.get("COMP_LINE")
    if line is not None and any(word.startswith("query=") for word in words):
        typed = line.split()
        if len(typed) < 2 or (len(typed) == 2 and not line[-1].isspace()):
            sys.stdout.write(f"{' '.join(VERBS)}\n")
            return
        if typed[1] != "train":
            return
        os.environ["COMP_LINE"] = f"{COMMAND} {line.split(maxsplit=2)[2]}" if len(typed) > 2 else f"{COMMAND} "
    train()


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
