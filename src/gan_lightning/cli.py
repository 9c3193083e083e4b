"""The command line of ``train.py``: Hydra composes, mistakes end in one line, ``resume=`` composes nothing."""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from gan_lightning.complaints import hydras_mistakes_in_one_line, release_stderr
from gan_lightning.composing import config_folder
from gan_lightning.errors import UserError
from gan_lightning.mistakes import end, mistakes_in_one_line
from gan_lightning.rerun import rerun
from gan_lightning.resuming import resume

LONGEST_NAME = 120
STORED = {"resume": resume, "rerun": rerun}
"""What takes a stored configuration and composes nothing."""
FAILED: list[str] = []
"""Jobs of this sweep that ended with a mistake."""


def job_name(number: Any, differs: str) -> str:
    """Folder name of a sweep's job: its number and what differs, cut where file systems end."""
    plain = re.sub("[^\\w.=-]+", "_", differs).replace("=", "-")  # nothing that Hydra's grammar or a shell would read
    if len(plain) > LONGEST_NAME:
        plain = f"{plain[:LONGEST_NAME]}-{hashlib.blake2b(plain.encode(), digest_size=4).hexdigest()}"
    return f"{number}_{plain}" if plain else str(number)


def main() -> None:
    """Entry point of ``train.py`` and ``gan-train``."""
    try:
        _main()
    except KeyboardInterrupt:  # before training; from then on the Checkpoint callback takes signals
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _main() -> None:
    OmegaConf.register_new_resolver("job_name", job_name, replace=True)
    for name, verb in STORED.items():
        if (source := next((word for word in sys.argv[1:] if word.startswith(f"{name}=")), None)) is not None:
            with mistakes_in_one_line():
                verb(Path(source.partition("=")[2]), [word for word in sys.argv[1:] if word != source])
            return
    _prepare_for_an_external_launcher()
    FAILED.clear()
    with hydras_mistakes_in_one_line():
        _compose_and_train()
    if FAILED:
        end(f"{len(FAILED)} job(s) of the sweep failed: {'; '.join(FAILED)}")


@hydra.main(version_base="1.3", config_path=config_folder(), config_name="train")
def _compose_and_train(config: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    release_stderr()
    context = HydraConfig.get()
    folder = Path(context.runtime.output_dir)
    with mistakes_in_one_line() if context.mode == RunMode.RUN else mistakes_of_a_job(folder):
        from gan_lightning.run import train

        OmegaConf.set_struct(config, False)
        train(config, folder, list(context.overrides.task))


@contextmanager
def mistakes_of_a_job(folder: Path) -> Iterator[None]:
    """In a sweep the other jobs go on; the program says at its end which did not run, and exits with status 2."""
    try:
        yield
    except UserError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure.txt").write_text(f"{error}\n", encoding="utf-8")
        FAILED.append(f"{folder.name}: {error}")
        sys.stderr.write(f"error: {FAILED[-1]}\n")


def _prepare_for_an_external_launcher() -> None:
    """Under torchrun or SLURM every rank composes; only rank 0's run folder is meant to exist."""
    if not any(name in os.environ for name in ("TORCHELASTIC_RUN_ID", "SLURM_PROCID")):
        return
    from gan_lightning.devices import external_environment, external_rank

    if external_environment() is None:
        return
    if any(word in ("-m", "--multirun") for word in sys.argv[1:]):
        end("a sweep starts its own processes: run it without torchrun or srun, with trainer.devices=N.")
    if external_rank() > 0:
        scratch = tempfile.mkdtemp(prefix="gan-lightning-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        sys.argv.append(f"hydra.run.dir={scratch}")
