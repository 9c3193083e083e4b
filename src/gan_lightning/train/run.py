"""One run in three acts: its configuration is checked, settled and recorded. Then it is trained.

Each act takes a value and returns a new one, and leaves what it was given as it was. Only a checked configuration can
be settled, and objects are built only from the plain containers that :func:`plain` returns.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.check import check_config
from gan_lightning.config.compose import resolve
from gan_lightning.config.places import check_places, located, names_of
from gan_lightning.config.trust import check_references, check_trusted
from gan_lightning.data import StreamDataModule
from gan_lightning.data.stored import require_same_classes
from gan_lightning.errors import Diverged
from gan_lightning.parallel.devices import external_rank, threads_for
from gan_lightning.runs.checkpoint_checks import require_resumable
from gan_lightning.runs.claim import first_attempt
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.loading import StoredCheckpoint, read_checkpoint, run_of
from gan_lightning.train.build import Job, Ready, one_run_in_this_process, prepare
from gan_lightning.train.record import recorded
from gan_lightning.train.roll_back import rolled_back, way_back
from gan_lightning.train.same_run import on_other_data, other_data, record_of_data, require_same_run
from gan_lightning.train.settle import budget, build_data, facts_of, require_agreement, settled_devices
from gan_lightning.train.start import Checked, Start
from gan_lightning.train.summary import conclude
from gan_lightning.types import PLAYERS

NOWHERE = {"folder": "", "attempt": 0, "resume_at": None}
"""Stand-in for ``run`` as long as it is not known where and from which iteration a configuration will be trained."""


@dataclass(frozen=True)
class Settled:
    """A run about which everything is known: the job, the data that settled it, and how it was asked for.

    Args:
        composed: The configuration with its references, before the facts of the data and the budget were filled in.
        job: The plain values that each process of the run is handed.
        data: The datamodule with its training set loaded.
    """

    composed: DictConfig
    job: Job
    data: StreamDataModule


def train(
    config: DictConfig,
    folder: Path,
    overrides: Sequence[str] = (),
    attempt: int = 0,
    checkpoint: Path | None = None,
    allow: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Train the run that ``config`` describes, or go on from ``checkpoint``, and return the run's summary.

    Args:
        config: The configuration as it was composed or stored; it is not changed.
        folder: The run folder.
        overrides: The words that were typed, for the record.
        attempt: The number of this start if the run goes on; 0 for a new run.
        checkpoint: The checkpoint to go on from; None for a new run.
        allow: The modules that the user vouches for if the configuration was read from a file: only classes of these
            and of the list in :mod:`gan_lightning.config.trust` are built. None if the user composed it.

    Raises:
        UserError: If what was asked for can't work; nothing has been trained then.
        SystemExit: If a signal ended training; a checkpoint was written first.
    """
    attempt = attempt or first_attempt(RunFolder(folder))
    checked = check_whole(config, allow)
    start = Start(checked, overrides, attempt, checkpoint)
    while True:
        ready: Ready | None = None
        settled = settle(start.checked, folder.absolute(), start.attempt, start.checkpoint)
        job = settled.job
        if allow is not None:
            check_places(job.config, Path(job.folder), names_of(overrides))
        try:
            with recorded(settled.composed, job, start.overrides), one_run_in_this_process(job.checkpoint):
                ready = prepare(job, settled.data)
                ready.trainer.fit(ready.game, datamodule=ready.data, ckpt_path=job.checkpoint, weights_only=True)
                summary = conclude(ready.trainer, ready.game, folder, ready.costs)
        except Diverged:
            if ready is None or (way := way_back(ready.trainer)) is None:
                raise
            start = rolled_back(start, way, RunFolder(folder), job.config)
            continue
        if number := summary["signal"]:
            sys.exit(128 + number)
        return summary


def check_whole(config: DictConfig, allow: Sequence[str] | None) -> Checked:
    """Check a whole configuration: its options, their types and, if it was stored, the code that it names.

    Args:
        config: The configuration as it was composed or stored; it is not changed.
        allow: The modules that the user vouches for, beyond those of :mod:`gan_lightning.config.trust`, if the
            configuration was read from a file. None if the user composed it, because users may build anything.

    Raises:
        UserError: If something in it can't work, or would run code that nobody vouched for.
    """
    own = config.copy()
    OmegaConf.set_struct(own, False)
    if allow is not None:  # before all other checks, because looking at a class imports its module
        check_references(OmegaConf.to_container(own))
        plain(changed(own, {"run": NOWHERE}), allow)
        own.run = None
    check_config(own)
    return Checked(own, allow)


def settle(source: Checked, folder: Path, attempt: int, checkpoint: Path | None) -> Settled:
    """Find out what a checked configuration leaves open: places, devices, the facts of the data, the budget.

    Args:
        source: The checked configuration.
        folder: The absolute path of the run folder.
        attempt: The number of this start of the run, 0 for the first.
        checkpoint: The checkpoint that the run goes on from; None for a new run.

    Raises:
        UserError: If the devices, the data or the checkpoint are not what was asked for.
    """
    stored = None if checkpoint is None else resumable(checkpoint)
    resume_at = None if stored is None else int(stored.counters["iteration"])
    trained = {} if stored is None else stored.content.get("config", {})
    run = {"folder": str(folder), "attempt": attempt, "resume_at": resume_at}
    composed = changed(source.config, {"run": run})
    asked = plain(composed, source.allow)
    devices = settled_devices(asked["trainer"], asked["data"]["batch_size"])
    torch.set_num_threads(threads_for(devices.local, asked["threads"]))
    composed = located(composed)
    data = build_data(plain(composed, source.allow)["data"])
    record = record_of_data(data)
    require_same_classes(data.class_names, run_of(trained).get("class_names"))
    found = {f"data.{fact}": value for fact, value in facts_of(data).items()}
    known = changed(composed, found | {f"run.{name}": value for name, value in record.items()})
    require_agreement(known.model, facts_of(data))
    images = asked["n_critic"] * asked["data"]["batch_size"]
    limits = budget(asked["trainer"], asked["kimg"], asked["default_kimg"], images, data.iterations_per_epoch())
    settled = plain(changed(known, limits), source.allow)
    if stored is not None and stored.content["gan_lightning"].get("halfway") and external_rank() == 0:
        print(f"warning: an error ended iteration {resume_at} halfway, and {checkpoint} was saved then.", flush=True)
    if trained and checkpoint is not None:
        require_same_run(composed, settled, trained, checkpoint)
        on_other_data(asked.get("changed_data"), other_data(record, run_of(trained)))
    place = None if checkpoint is None else str(checkpoint)
    return Settled(composed, Job(settled, str(folder), asdict(devices), attempt, place, resume_at), data)


def plain(config: DictConfig, allow: Sequence[str] | None) -> dict[str, Any]:
    """The plain containers from which objects are built.

    Raises:
        UserError: If a value is missing, or if a stored configuration (``allow`` is not None) names code that nobody
            vouched for. The check is on the very containers that are built from.
    """
    containers = resolve(config)
    if allow is not None:
        check_trusted(containers, allow)
    return containers


def changed(config: DictConfig, values: Mapping[str, Any]) -> DictConfig:
    """A copy of the configuration with other values for some options, each given by its full name."""
    new = config.copy()
    for name, value in values.items():
        OmegaConf.update(new, name, value, merge=False)
    return new


def resumable(checkpoint: Path) -> StoredCheckpoint:
    """Read a checkpoint to go on from.

    Raises:
        UserError: If training can't go on from it.
    """
    stored = read_checkpoint(checkpoint)
    require_resumable(checkpoint, stored.content, optimizers=len(PLAYERS))
    return stored
