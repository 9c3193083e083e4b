"""The command line of a sweep, and the words that are added to it for Hydra."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra._internal.utils import get_args_parser  # Hydra's own parser decides what is an option and what an override
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.config.job_names import UNNAMED, sweep_folder
from gan_lightning.terminal import after_python, end, program

START = "GAN_LIGHTNING_SWEEP"
"""Environment variable that tells a job to which start of the sweep it belongs."""

FOLDER = "hydra.sweep.dir"
MODE = "hydra.mode=MULTIRUN"
FLAGS = ("-m", "--multirun")


@dataclass(frozen=True)
class Line:
    """The command line of a sweep.

    Attributes:
        typed: The command as it was typed, so that it can be typed again.
        folder: The sweep's folder.
        start: A name for this start of the sweep; it begins with the id of this process.
        added: Overrides that are added for Hydra.
    """

    typed: str
    folder: Path
    start: str
    added: list[str]


def sweep_line(words: Sequence[str]) -> Line | None:
    """The sweep that a command line asks for, or None if it asks for none or if Hydra can't parse it."""
    given, _ = get_args_parser().parse_known_args(flags_first(words))
    if not given.multirun and MODE not in given.overrides:
        return None
    try:
        overrides = OverridesParser.create().parse_overrides(given.overrides)
    except HydraException:  # Hydra will parse the line again and say what is wrong
        return None
    for each in overrides:
        value = each.value()
        if isinstance(value, RangeSweep) and next(iter(value.range()), None) is None:
            end(f"{each.input_line} has no values, so there is no job.")
    given_folder = _folder_given(overrides)
    if given_folder is not None and not given_folder.strip():
        end(f"{FOLDER} is empty, which is the current folder: name a folder for the sweep.")
    folder = given_folder or sweep_folder(overrides)
    fixed = [each.key_or_group for each in overrides if not each.is_sweep_override() and not each.is_hydra_override()]
    start = f"{os.getpid()}-{secrets.token_hex(4)}"
    added = [
        f"{FOLDER}={_quoted(folder)}",
        f"{UNNAMED}=[{','.join(dict.fromkeys(fixed))}]",
        f"+hydra.job.env_set.{START}={start}",
        # A job starts its own processes, also inside a SLURM job. If SLURM's job has this name, Lightning takes it for
        # an interactive one and ignores SLURM's variables.
        "+hydra.job.env_set.SLURM_JOB_NAME=bash",
    ]
    return Line(shlex.join(after_python([*program(), *words])), Path(folder), start, added)


def flags_first(words: Sequence[str]) -> list[str]:
    """The words with ``-m`` first, because Hydra's parser does not accept it between two overrides."""
    return sorted(words, key=lambda word: word not in FLAGS)


def _folder_given(overrides: Sequence[Override]) -> str | None:
    """The resolved value of ``hydra.sweep.dir``, or None if it was not typed.

    It is resolved once, here, because ``${now:...}`` would give another time in every process.
    """
    values = [override.value() for override in overrides if override.key_or_group == FOLDER]
    if not values:
        return None
    setup_globals()
    try:
        return str(OmegaConf.create({"folder": values[-1]}).folder)
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        end(f"{FOLDER}={values[-1]}: {reason}. Only ${{now:...}} and ${{oc.env:...}} are known before a sweep begins.")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
