"""The command line as a user meets it, called in this process because a fresh interpreter takes seconds to start."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gan_lightning.cli import main
from gan_lightning.data.sets import digits

TINY = "data.batch_size=8 model.generator.width=4 trainer.accelerator=cpu callbacks.samples.count=4 logger=[] threads=1"
IMAGES = 64  # number of digits in the training set: eight iterations of eight images
SMALL = {"width": "{0}", "widths": "[{0}]"}
"""Options of networks that say how wide they are, and the form of their values."""


NETWORKS = ("generator", "discriminator", "a2b", "b2a", "discriminator_a", "discriminator_b")


def narrow(model: Mapping[str, Any], width: int) -> list[str]:
    """Words of a command line that make all networks of a composed ``model`` node ``width`` channels wide."""
    return [
        f"model.{network}.{option}={written.format(width)}"
        for network in NETWORKS
        for option, written in SMALL.items()
        if network in model and option in model[network]
    ]


@dataclass(frozen=True)
class Answer:
    """Exit status of a command, and what it printed."""

    status: int | str | None
    out: str
    err: str


def called(main: Callable[[], None], argv: Sequence[str]) -> Answer:
    """Run a verb as its command line would, with few digits in ``data=digits``."""
    out, err = io.StringIO(), io.StringIO()
    status: int | str | None = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", list(argv))
        patch.setattr(digits, "TRAIN", IMAGES)
        patch.setattr(digits, "TEST", 16)
        try:
            main()
        except SystemExit as end:
            status = end.code
    return Answer(status, out.getvalue(), err.getvalue())


def call(line: str, folder: Path | None = None) -> Answer:
    """Run ``train.py`` with these words on a set of few digits."""
    return called(main, ["train.py", *shlex.split(line), *([f"hydra.run.dir={folder}"] if folder else [])])


def train(line: str, folder: Path) -> Answer:
    """Train a tiny run, which must end with status 0."""
    answer = call(f"{TINY} {line}", folder)
    assert answer.status == 0, answer.err
    return answer


def refused(line: str, folder: Path | None = None) -> str:
    """The one line with which a command is refused."""
    answer = call(line, folder)
    assert answer.status == 2, f"status {answer.status}: {answer.err}"
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1, answer.err
    return answer.err.removeprefix("error: ").rstrip("\n")
