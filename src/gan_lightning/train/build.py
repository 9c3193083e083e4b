"""Build a settled, plain job into the game, its callbacks, its loggers and the Trainer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.trainer.connectors import checkpoint_connector
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf
from torch.distributed import Store

from gan_lightning.callbacks import Curves, Progress, Pruning, RunRecord
from gan_lightning.config.instantiate import build
from gan_lightning.data import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.games.rules import check as check_rules
from gan_lightning.games.rules import of_parts, of_small_batches
from gan_lightning.networks.costs import Cost
from gan_lightning.parallel.devices import Devices, external_rank, threads_for
from gan_lightning.parallel.scalers import PlayerScalers
from gan_lightning.parallel.strategy import GANStrategy
from gan_lightning.randomness import hashed_seed
from gan_lightning.runs.checkpoint import AtomicCheckpointIO
from gan_lightning.runs.checkpoint_checks import MISTAKES, believed
from gan_lightning.runs.init_from import start_from
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.search import VARIABLE
from gan_lightning.train.loop import GameLoop
from gan_lightning.train.quiet import quieten_lightning
from gan_lightning.train.settle import build_data
from gan_lightning.train.summary import announce

CONNECTOR = checkpoint_connector.__name__
"""The module of Lightning whose ``restore`` functions hand out the parts of a checkpoint."""


@dataclass(frozen=True)
class Job:
    """Everything a process needs to take part in a run, as plain values that can be handed to another process."""

    config: dict[str, Any]
    folder: str
    devices: dict[str, Any]
    attempt: int = 0
    checkpoint: str | None = None
    resume_at: int | None = None


@dataclass(frozen=True)
class Ready:
    """Everything that a process has built to train as one rank of a run.

    Args:
        trainer: Lightning's Trainer.
        game: The game with its initial weights, or with those of another run.
        data: The datamodule with its training set loaded.
        costs: Cost of each network (parameters, multiply-adds), on the first process alone.
    """

    trainer: Trainer
    game: Game
    data: StreamDataModule
    costs: Mapping[str, Cost]


def prepare(job: Job, data: StreamDataModule | None = None, store: Store | None = None) -> Ready:
    """Build the job for one of its ranks and, on the first one, say what is going to be trained.

    Args:
        job: The settled run as plain values.
        data: The datamodule if this process has loaded it already; None builds it from the configuration.
        store: The store by which the processes of the run find each other; None for the first process.

    Raises:
        UserError: If the parts of the configuration do not go together or can't be built.
    """
    config, folder, devices = job.config, Path(job.folder), Devices(**job.devices)
    quieten_lightning()
    torch.set_num_threads(threads_for(devices.local, config["threads"]))
    data = data or build_data(config["data"])
    game = build_module(config)
    game.require(data)
    warnings = check_rules(game, data.num_classes, data.largest)
    local = data.batch_size // devices.world_size
    warnings += of_small_batches(game, data.micro_batch or local)
    warnings += of_parts(game, data.micro_batch, local)
    if config["init_from"] is not None and job.checkpoint is None:
        start_from(game, Path(config["init_from"]), report=store is None and external_rank() == 0)
    trainer = build_trainer(config, devices, folder, job.attempt, job.resume_at, asdict(job), store)
    costs: dict[str, Cost] = {}
    if trainer.is_global_zero:
        print(*(f"warning: {warning}\n" for warning in warnings), sep="", end="", flush=True)
        costs = game.costs(data.image_shape)
        announce(game, costs, data, devices, folder)
    return Ready(trainer, game, data, costs)


@contextmanager
def one_run_in_this_process(checkpoint: str | None) -> Iterator[None]:
    """Put the environment back when a run ends, and explain a checkpoint that does not fit in one line.

    The next job of a sweep runs in the same process and must inherit neither a rank nor a port.

    Args:
        checkpoint: The checkpoint that the run goes on from; None for a new run.

    Raises:
        UserError: If Lightning can't restore the checkpoint.
    """
    environment = dict(os.environ)
    try:
        yield
    except MISTAKES as error:
        if checkpoint is None or not raised_while_restoring(error):
            raise
        with believed(checkpoint):
            raise
    finally:
        os.environ.clear()
        os.environ.update(environment)


def raised_while_restoring(error: BaseException) -> bool:
    """Whether an error was raised while Lightning handed out the parts of a checkpoint."""
    code = (frame.f_code for frame, _ in walk_tb(error.__traceback__) if frame.f_globals.get("__name__") == CONNECTOR)
    return any("restore" in each.co_name for each in code)


def build_module(config: Mapping[str, Any]) -> Game:
    """The game, with initial weights that depend on the seed alone.

    Raises:
        UserError: If the model is not a Game, or can't be built.
    """
    torch.manual_seed(hashed_seed(config["seed"], "initial weights"))
    module = build(config["model"], "model")
    if not isinstance(module, Game):
        raise UserError(f"model._target_={config['model']['_target_']} is no Game, such as gan_lightning.games.GAN.")
    return module


def build_trainer(
    config: Mapping[str, Any],
    devices: Devices,
    folder: Path,
    attempt: int,
    resume_at: int | None,
    payload: dict[str, Any],
    store: Store | None,
) -> Trainer:
    """Lightning's Trainer with our strategy, precision, callbacks and loggers.

    Args:
        config: The resolved configuration of the run.
        devices: The processes and devices of the run.
        folder: The run folder.
        attempt: The number of this start of the run, 0 for the first.
        resume_at: The iteration that a resumed run starts at; None for a new run.
        payload: The job as plain values, which the strategy hands to the processes that it starts.
        store: The store by which the processes of the run find each other; None for the first process.

    Raises:
        UserError: If the Trainer does not accept its options, or a callback or logger can't be built.
    """
    node = dict(config["trainer"])
    plugins: list[Any] = [AtomicCheckpointIO()]
    if node.get("precision") in ("16-mixed", "16", 16):
        node.pop("precision")
        plugins.append(PlayerScalers(devices.accelerator))
    node.pop("strategy", None)
    try:
        factory: Callable[..., Trainer] = build({**node, "_partial_": True}, "trainer")
        trainer = factory(
            accelerator=devices.accelerator,
            strategy=GANStrategy(payload, store) if devices.world_size > 1 else "auto",
            callbacks=build_callbacks(config, folder, attempt),
            logger=[JsonLines(str(folder), resume_at), *build_loggers(config)],
            plugins=plugins,
            default_root_dir=str(folder),
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise UserError(f"trainer: {error}") from error
    GameLoop.install(trainer)
    return trainer


def build_loggers(config: Mapping[str, Any]) -> list[Logger]:
    """The configured loggers, except those that the configuration turns off with null."""
    return [build(node, f"logger.{name}") for name, node in (config["logger"] or {}).items() if node is not None]


def build_callbacks(config: Mapping[str, Any], folder: Path, attempt: int) -> list[Callback]:
    """The configured callbacks and those that every run has.

    The record comes first, because it makes this attempt's record the run's before anybody writes into the folder. The
    checkpoint comes last, so that pictures and curves are written before it. The doctor comes before the checkpoint,
    which stores what it found, and after the curves, which leave it the scalars of the interval.
    """
    nodes = {name: node for name, node in (config.get("callbacks") or {}).items() if node is not None}
    configured = {name: build(node, f"callbacks.{name}") for name, node in nodes.items()}
    last = [configured.pop(name) for name in ("health", "checkpoint") if name in configured]
    bar = [Progress()] if config["trainer"].get("enable_progress_bar", True) else []
    text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
    record = RunRecord(str(folder), attempt, config, text)
    always = [Curves(), *bar, *build_pruning()]
    return [record, *configured.values(), *always, *last]


def build_pruning() -> list[Callback]:
    """The callback that reports to a search, if this run is one of its trials; no other run imports Optuna."""
    if not os.environ.get(VARIABLE):
        return []
    from gan_lightning.search.trial import HandedTrial

    trial = HandedTrial.from_environment()
    return [Pruning(trial.objective, trial.should_prune)]
