"""The command line of ``train.py``, for runs, sweeps, ``resume=`` and ``rerun=``.

Hydra composes the configuration, except for ``resume=`` and ``rerun=``, which take a stored one. A mistake of the user
ends the program with one line.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import hydra
from omegaconf import DictConfig

from gan_lightning.config.compose import config_folder
from gan_lightning.config.hydra_errors import hydras_mistakes_in_one_line, release_stderr
from gan_lightning.config.typed_words import unquoted, with_home
from gan_lightning.errors import UserError
from gan_lightning.runs.folder import COMMAND, RunFolder
from gan_lightning.search import VARIABLE
from gan_lightning.sweep.line import START, Line, flags_first, sweep_line
from gan_lightning.sweep.parent import ends_with
from gan_lightning.sweep.report import complaints, gather, note, summed_up
from gan_lightning.terminal import end, mistakes_in_one_line, patient_output
from gan_lightning.train.rerun import rerun
from gan_lightning.train.resume import resume

# Our launcher configurations have the names of the plugins' own, which then validate ours: that is welcome, the warning
# is not. This stands here and not in main because jobs in other processes compose too.
warnings.filterwarnings("ignore", message="\\s*'hydra/launcher/\\w+' is validated against ConfigStore schema")

STORED = {"resume": resume, "rerun": rerun}
"""Words of the command line that take a stored configuration instead of composing one, and what they call."""


def main() -> None:
    """Entry point of ``train.py`` and ``gan-train``."""
    words = sys.argv[1:] = with_home(sys.argv[1:])
    stored = next((word for word in words if word.partition("=")[0] in STORED), None)
    with patient_output(), interrupted_in_one_line():
        if stored is not None:
            verb, _, source = stored.partition("=")
            with mistakes_in_one_line():
                STORED[verb](Path(unquoted(source)), [word for word in words if word != stored])
            return
        line = sweep_line(words)
        _prepare_for_an_external_launcher(is_sweep=line is not None)
        with nullcontext() if line is None else _reported(line), hydras_mistakes_in_one_line():
            hydra.main(version_base="1.3", config_path=config_folder(), config_name="train")(compose_and_train)()


@contextmanager
def interrupted_in_one_line() -> Iterator[None]:
    """End with a word if Ctrl-C comes before training; during it, the Checkpoint callback handles signals."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


@contextmanager
def _reported(line: Line) -> Iterator[None]:
    """Let Hydra see the words of a sweep as it wants them, and say at the end what became of the jobs."""
    sys.argv = [sys.argv[0], *flags_first(sys.argv[1:]), *line.added]
    os.environ[COMMAND] = line.typed.removeprefix("python ")
    # For signals between two jobs and while jobs run in other processes; during training, Checkpoint handles them.
    handler = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as ended:
        outcomes = gather(line.folder, line.start)
        if isinstance(ended, SystemExit) and ended.code == 2:  # a mistake, which the same line would make again
            sys.stdout.write(summed_up(outcomes, line.folder) if outcomes else "")
        elif outcomes or isinstance(ended, KeyboardInterrupt) or ended.code not in (None, 0, 1):
            print(f"{len(outcomes)} job(s) ended before. Go on with the same line: {line.typed}", flush=True)
        raise
    finally:
        signal.signal(signal.SIGTERM, handler)
        del os.environ[COMMAND]
    outcomes = gather(line.folder, line.start)
    sys.stdout.write(summed_up(outcomes, line.folder))
    sys.stdout.flush()
    if bad := complaints(outcomes):
        more = f"; and {len(bad) - 3} more, see their {RunFolder.failure}" if len(bad) > 3 else ""
        end(f"{len(bad)} job(s) of the sweep failed: {'; '.join(bad[:3])}{more}")


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def compose_and_train(config: DictConfig) -> dict[str, Any]:
    """Train a run or a job of a sweep, and return its summary.

    Hydra calls this function with the composed configuration. A job runs in whatever process the launcher chose, which
    finds this function by its name; importing this module also registers how run folders are named.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    release_stderr()
    context = HydraConfig.get()
    folder, overrides = Path(context.runtime.output_dir), list(context.overrides.task)
    if context.mode == RunMode.RUN:
        with mistakes_in_one_line():
            if not str(context.run.dir).strip():
                raise UserError("hydra.run.dir is empty, which is the current folder: name a folder for the run.")
            try:
                from gan_lightning.train.run import train

                return train(config, folder, overrides)
            finally:
                with suppress(OSError):  # Hydra made the folder; it is empty, and so removed, if the run was refused
                    folder.rmdir()
    from gan_lightning.sweep.job import cores_for_a_job, run_job

    if (start := context.job.env_set.get(START)) is None:
        end("a sweep is asked for on the command line: add -m.")
    if not context.job.override_dirname:
        print("Nothing is swept, so there is one job: give an option several values, such as seed=0,1,2.", flush=True)
    with mistakes_in_one_line(), ends_with(int(start.partition("-")[0])):
        result = run_job(config, folder, overrides, cores_for_a_job(context.launcher, context.sweeper.get("n_jobs")))
        note(folder, start, result, expected=VARIABLE in context.job.env_set)
        return result


def _prepare_for_an_external_launcher(is_sweep: bool) -> None:
    """Prepare for torchrun or SLURM (``srun``), under which every rank composes the configuration.

    Only the run folder of rank 0 is meant to exist, so that other ranks compose for a temporary folder.
    """
    if not any(name in os.environ for name in ("TORCHELASTIC_RUN_ID", "SLURM_PROCID")):
        return
    from gan_lightning.parallel.devices import external_environment, external_rank

    with mistakes_in_one_line():
        outside = external_environment()
    if outside is None:
        return
    if is_sweep:
        if outside.world_size() > 1:
            end("a sweep starts its own processes: run it without torchrun or srun, with trainer.devices=N.")
    elif external_rank() > 0:
        scratch = tempfile.mkdtemp(prefix="gan-lightning-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        sys.argv.append(f"hydra.run.dir={scratch}")
