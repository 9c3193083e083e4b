"""The command line of a sweep: what Hydra is told besides what was typed."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra._internal.utils import get_args_parser  # what is an option and what an override is Hydra's to say
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.config.job_names import UNNAMED, sweep_folder
from gan_lightning.terminal import end

START = "GAN_LIGHTNING_SWEEP"
"""In the environment of a job: which start of the sweep it belongs to."""

FOLDER = "hydra.sweep.dir"
MODE = "hydra.mode=MULTIRUN"
FLAGS = ("-m", "--multirun")


@dataclass(frozen=True)
class Line:
    """A sweep as it was typed.

    Attributes:
        typed: The command, to be typed again.
        folder: Of the sweep.
        start: A name for this start; it begins with the id of this process.
        added: Words for Hydra.
    """

    typed: str
    folder: Path
    start: str
    added: list[str]


def sweep_line(words: Sequence[str]) -> Line | None:
    """What a command line says, if it is a sweep's that Hydra can read."""
    given, _ = get_args_parser().parse_known_args(flags_first(words))
    if not given.multirun and MODE not in given.overrides:
        return None
    try:
        overrides = OverridesParser.create().parse_overrides(given.overrides)
    except HydraException:  # Hydra meets it again and says what is wrong
        return None
    folder = _folder_given(overrides) or sweep_folder(overrides)
    fixed = [each.key_or_group for each in overrides if not each.is_sweep_override() and not each.is_hydra_override()]
    start = f"{os.getpid()}-{secrets.token_hex(4)}"
    added = [
        f"{FOLDER}={_quoted(folder)}",
        f"{UNNAMED}=[{','.join(dict.fromkeys(fixed))}]",
        f"+hydra.job.env_set.{START}={start}",
        # a job starts its own ranks, in a SLURM job too: by this name Lightning leaves SLURM's variables alone
        "+hydra.job.env_set.SLURM_JOB_NAME=bash",
    ]
    return Line(shlex.join(["python", *sys.argv[:1], *words]), Path(folder), start, added)


def flags_first(words: Sequence[str]) -> list[str]:
    """The words with ``-m`` at their head: Hydra's parser knows none between two overrides."""
    return sorted(words, key=lambda word: word not in FLAGS)


def _folder_given(overrides: Sequence[Override]) -> str | None:
    """Settled here, for ``${now:...}`` would be another time in every process that asks."""
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
