"""One run from configuration to summary: what the verbs call, and what every process of a run executes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch.distributed import Store

from gan_lightning.callbacks import Checkpoint, Curves, Pruning, Quality
from gan_lightning.callbacks.progress import duration, total_iterations
from gan_lightning.config.check import check, locate
from gan_lightning.config.trust import calls_a_resolver, check_references, check_trusted
from gan_lightning.data import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.games.costs import Cost
from gan_lightning.games.rules import check as check_rules
from gan_lightning.parallel.devices import Devices, external_rank, resolve_devices, threads_for
from gan_lightning.runs.claim import claimed
from gan_lightning.runs.folder import RunFolder, as_json, write_json
from gan_lightning.runs.init_from import start_from
from gan_lightning.runs.loading import read_checkpoint
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.provenance import code_changes, now, provenance
from gan_lightning.train.build import (
    build_data,
    build_module,
    build_trainer,
    check_trainer,
    fill_in_budget,
    fill_in_facts,
)
from gan_lightning.train.quiet import quieten_lightning

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Job:
    """All that a process needs to take part in a run; plain, so that it can be handed to another process."""

    config: dict[str, Any]
    folder: str
    devices: dict[str, Any]
    attempt: int = 0
    checkpoint: str | None = None
    resume_at: int | None = None


def train(
    config: DictConfig,
    folder: Path,
    overrides: Sequence[str] = (),
    attempt: int = 0,
    checkpoint: Path | None = None,
    allow: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Train what ``config`` says in ``folder``, or go on from ``checkpoint``; gives the run's summary.

    Args:
        config: Composed; it is changed.
        folder: The run folder.
        overrides: What was typed, for the record.
        attempt: 0 for a new run.
        checkpoint: To go on from.
        allow: The configuration was read from a file: build classes from the list of
            :mod:`gan_lightning.config.trust` and these modules only. None for one that the user composed.

    Raises:
        UserError: What was asked for can't work; nothing has been trained.
        SystemExit: A signal ended training; a checkpoint was written first.
    """
    folder = folder.absolute()
    filled_in = {"folder": str(folder), "attempt": attempt, "resume_at": None}

    def settled() -> dict[str, Any]:
        """The plain containers to build from; of a stored configuration, these very ones are checked."""
        plain = resolve(config)
        if allow is not None:
            check_trusted(plain, allow)
        return plain

    if allow is not None:
        check_references(OmegaConf.to_container(config))
        config.run = filled_in
        settled()
        config.run = None
    check(config)
    config.run = filled_in
    trainer = config.trainer
    devices = resolve_devices(trainer.accelerator, trainer.devices, trainer.num_nodes)
    check_trainer(resolve(config), devices)
    if config.data.batch_size % devices.world_size:
        raise UserError(
            f"data.batch_size={config.data.batch_size} is the global batch and can't be shared by "
            f"{devices.world_size} processes equally."
        )
    resume_at = None
    if checkpoint is not None:
        resume_at = int(read_checkpoint(checkpoint).counters["iteration"])
    config.run.resume_at = resume_at
    locate(config)
    composed = OmegaConf.to_yaml(record_of(config))
    torch.set_num_threads(threads_for(devices.local, config.threads))
    data = build_data(settled())
    fill_in_facts(config, data)
    fill_in_budget(config, data.iterations_per_epoch())
    job = Job(settled(), str(folder), asdict(devices), attempt, _text(checkpoint), resume_at)
    record = {
        RunFolder.composed.name: composed,
        RunFolder.resolved.name: OmegaConf.to_yaml(OmegaConf.create(job.config)),
        RunFolder.overrides.name: "".join(f"{override}\n" for override in overrides),
        RunFolder.provenance.name: as_json(provenance(job.config["seed"])),
    }
    if changes := code_changes():
        record[RunFolder.changes.name] = changes
    with claimed(RunFolder(folder), attempt, record) if external_rank() == 0 else nullcontext():
        summary = execute(job, data)
    if number := summary["signal"]:
        sys.exit(128 + number)
    return summary


def execute(job: Job, data: StreamDataModule | None = None, store: Store | None = None) -> dict[str, Any]:
    """Build the job and train as one of its ranks. The rest of the process is left as it was found."""
    config, folder, devices = job.config, Path(job.folder), Devices(**job.devices)
    environment = dict(os.environ)
    quieten_lightning()
    torch.set_num_threads(threads_for(devices.local, config["threads"]))
    try:
        data = data or build_data(config)
        module = build_module(config)
        warnings = check_rules(module, data.num_classes, data.largest)
        if config["init_from"] is not None and job.checkpoint is None:
            start_from(module, Path(config["init_from"]), report=store is None and external_rank() == 0)
        trainer = build_trainer(config, devices, folder, job.attempt, job.resume_at, asdict(job), store)
        spent: dict[str, Cost] = {}
        if trainer.is_global_zero:
            print(*(f"warning: {warning}\n" for warning in warnings), sep="", end="", flush=True)
            spent = module.costs(data.image_shape)
            _announce(module, spent, data, devices, trainer, folder, job.resume_at)
        trainer.fit(module, datamodule=data, ckpt_path=job.checkpoint, weights_only=True)
        return _conclude(trainer, module, folder, spent)
    finally:
        # the next job of a sweep lives in this process too, and must not inherit a rank or a port
        os.environ.clear()
        os.environ.update(environment)


def record_of(config: DictConfig) -> DictConfig:
    """A copy to be stored: references stay, and in place of a call such as ``${oc.env:DATA}`` stands what it gave.

    A stored configuration then means the same on every machine, and one that calls a resolver is refused
    (:func:`gan_lightning.config.trust.check_references`).
    """
    copy = config.copy()

    def replace(node: Any, original: Any) -> None:
        for key in node if OmegaConf.is_dict(node) else range(len(node)):
            raw = node._get_node(key)
            value = raw._value()
            if isinstance(value, str) and calls_a_resolver(value):
                found = original[key]
                node[key] = OmegaConf.to_container(found, resolve=True) if OmegaConf.is_config(found) else found
            elif OmegaConf.is_config(raw) and isinstance(value, (dict, list)):
                replace(raw, original._get_node(key))

    replace(copy, config)
    return copy


def resolve(config: DictConfig) -> dict[str, Any]:
    """Plain containers, every interpolation followed; a list of whole numbers and fractions is one of fractions.

    YAML reads betas=[0,0.9] as an int and a float, which torch takes for a mistake.

    Raises:
        UserError: A value is missing or refers to nothing.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"The configuration can't be resolved: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, dict)
    return {str(key): _of_one_kind(value) for key, value in plain.items()}


def _of_one_kind(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _of_one_kind(value) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    kinds = {type(value) for value in node}
    return [float(value) for value in node] if kinds == {int, float} else [_of_one_kind(value) for value in node]


def _announce(
    module: Game,
    spent: dict[str, Cost],
    data: StreamDataModule,
    devices: Devices,
    trainer: Trainer,
    folder: Path,
    resume_at: int | None,
) -> None:
    networks = "".join(f"{type(each).__name__}: {spent[name]}\n" for name, each in module.networks.items())
    print(
        f"{networks}"
        f"{type(data).__name__}: {data.description()}, batch {data.batch_size} over {devices.world_size} "
        f"{devices.accelerator} process(es), {module.n_critic} discriminator update(s) an iteration\n"
        f"run folder: {folder}",
        flush=True,
    )
    if 0 <= trainer.max_steps <= (resume_at or -1):
        print(
            f"nothing is left to do: the run has {resume_at:,} iterations and the budget allows {trainer.max_steps:,}; "
            "give a larger kimg, trainer.max_steps or trainer.max_epochs",
            flush=True,
        )


def _conclude(trainer: Trainer, module: Game, folder: Path, spent: dict[str, Cost]) -> dict[str, Any]:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    checkpoint, curves, quality = _first(Checkpoint, callbacks), _first(Curves, callbacks), _first(Quality, callbacks)
    records, pruning = _first(JsonLines, trainer.loggers), _first(Pruning, callbacks)
    number = checkpoint.signal if checkpoint is not None else None
    earlier = records.spent if records is not None else 0.0
    summary = {
        "status": "interrupted" if number else "pruned" if pruning is not None and pruning.pruned else "done",
        "signal": number,
        "ended": now(),
        "iteration": module.iteration,
        "d_updates": module.d_updates,
        "g_updates": module.g_updates,
        "images": module.images_seen,
        "seconds": round(earlier + (curves.seconds if curves is not None else 0.0), 3),
        "world_size": trainer.world_size,
        "costs": {player: each._asdict() for player, each in spent.items()},
        "last": curves.latest if curves is not None else {},
        "quality": quality.summary() if quality is not None else None,
    }
    if trainer.is_global_zero:
        write_json(RunFolder(folder).summary, summary)
        _say_goodbye(summary, trainer, folder)
        if number:
            print(f"Stopped by {signal.Signals(number).name}. Go on with: python train.py resume={folder}", flush=True)
    return summary


def _first(kind: type[Kind], parts: Iterable[object]) -> Kind | None:
    return next((part for part in parts if isinstance(part, kind)), None)


def _say_goodbye(summary: dict[str, Any], trainer: Trainer, folder: Path) -> None:
    done = total_iterations(trainer)
    of = f" of {done:,}" if done is not None and done != summary["iteration"] else ""
    print(
        f"\n{summary['iteration']:,} iterations{of}, {summary['images']:,} images in {duration(summary['seconds'])}",
        flush=True,
    )
    if trainer.fast_dev_run:  # type: ignore[attr-defined]  # it writes no files
        return
    run = RunFolder(folder)
    left = {
        f"pictures:    {run.samples}": run.samples.is_dir(),
        f"checkpoint:  {run.last}": run.last.is_file(),
        f"curves:      tensorboard --logdir '{folder}'": _first(TensorBoardLogger, trainer.loggers) is not None,
    }
    print(*(line for line, there in left.items() if there), sep="\n", flush=True)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
