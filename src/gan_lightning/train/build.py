"""A resolved configuration becomes objects: data first, what was found in it goes into the networks, then the rest."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf
from torch.distributed import Store

from gan_lightning.callbacks import Curves, Diary, Progress, Pruning
from gan_lightning.config.instantiate import build
from gan_lightning.data import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.parallel.devices import Devices
from gan_lightning.parallel.scalers import PlayerScalers
from gan_lightning.parallel.strategy import GANStrategy
from gan_lightning.randomness import hashed_seed
from gan_lightning.runs.checkpoint import AtomicCheckpointIO
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.search import VARIABLE

PRECISIONS = (None, "32-true", "32", 32, "bf16-mixed", "bf16", "16-mixed", "16", 16)


def build_data(config: Any) -> StreamDataModule:
    """The datamodule with its training set loaded."""
    data = build(config["data"], "data")
    if not isinstance(data, StreamDataModule):
        raise UserError(
            f"data._target_={config['data']['_target_']} is no StreamDataModule, such as an ImageDataModule."
        )
    data.prepare_data()
    data.setup("fit")
    return data


def fill_in_facts(config: DictConfig, data: StreamDataModule) -> None:
    """Write what the data are into the configuration, where the networks refer to it.

    Raises:
        UserError: A network was told something else.
    """
    for fact in data.FACTS:
        config.data[fact] = getattr(data, fact)
    networks = {name: node for name, node in config.model.items() if isinstance(node, DictConfig)}
    for name, node in networks.items():
        for fact in data.FACTS:
            if node.get(fact) is not None and node[fact] != config.data[fact]:
                raise UserError(
                    f"model.{name}.{fact}={node[fact]}, but the data have {config.data[fact]}. "
                    f"Leave it out, or change the data: data.{fact}={node[fact]}."
                )


def fill_in_budget(config: DictConfig, iterations_per_epoch: int) -> None:
    """Turn thousands of images into iterations; where no budget is given at all, take ``default_kimg``.

    Where iterations or epochs are given, ``kimg`` becomes what they amount to: schedules of a whole run refer to it.
    """
    trainer = config.trainer
    given = (config.kimg, trainer.get("max_epochs"), trainer.get("max_time"))
    unlimited = trainer.get("max_steps", -1) in (-1, None)
    if unlimited and not trainer.get("fast_dev_run") and all(limit is None for limit in given):
        config.kimg = config.default_kimg
    images = config.n_critic * config.data.batch_size
    if config.kimg is None:
        by_epochs = (trainer.get("max_epochs") or -1) * iterations_per_epoch
        limits = [limit for limit in (by_epochs, -1 if unlimited else trainer.max_steps) if limit > 0]
        config.kimg = min(limits) * images / 1000 if limits else None
        return
    if config.kimg <= 0:
        raise UserError(f"kimg={config.kimg}: give a positive number of thousands of images.")
    iterations = math.ceil(1000 * config.kimg / images)
    trainer.max_steps = iterations if unlimited else min(iterations, trainer.max_steps)


def build_module(config: Mapping[str, Any]) -> Game:
    """The game, with initial weights that depend on the seed alone."""
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
    """Lightning's Trainer with our strategy, precision, callbacks and loggers."""
    node = dict(config["trainer"])
    plugins: list[Any] = [AtomicCheckpointIO()]
    if node.get("precision") in ("16-mixed", "16", 16):
        node.pop("precision")
        plugins.append(PlayerScalers(devices.accelerator))
    node.pop("strategy", None)
    try:
        factory: Callable[..., Trainer] = build({**node, "_partial_": True}, "trainer")
        return factory(
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


def build_loggers(config: Mapping[str, Any]) -> list[Logger]:
    """The configured loggers; null turns one off."""
    return [build(node, f"logger.{name}") for name, node in (config["logger"] or {}).items() if node is not None]


def build_callbacks(config: Mapping[str, Any], folder: Path, attempt: int) -> list[Callback]:
    """The configured callbacks and the ones that every run has; pictures and curves come before checkpoints."""
    nodes = {name: node for name, node in (config["callbacks"] or {}).items() if node is not None}
    configured = {name: build(node, f"callbacks.{name}") for name, node in nodes.items()}
    checkpoint = configured.pop("checkpoint", None)
    bar = [Progress()] if config["trainer"].get("enable_progress_bar", True) else []
    text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
    diary = Diary(str(folder), attempt, config, text)
    always = [Curves(), *bar, diary, *build_pruning()]
    return [*configured.values(), *always, *([checkpoint] if checkpoint is not None else [])]


def build_pruning() -> list[Callback]:
    """What reports to the search whose trial this run is, if it is one; Optuna is imported for nothing else."""
    if not os.environ.get(VARIABLE):
        return []
    from gan_lightning.search.trial import HandedTrial

    trial = HandedTrial.from_environment()
    return [Pruning(trial.objective, trial.should_prune)]


def check_trainer(config: Mapping[str, Any], devices: Devices) -> None:
    """Refuse combinations that would fail late or be ignored.

    Raises:
        UserError: Names the options and the way out.
    """
    node = config["trainer"]
    if node.get("strategy", "auto") not in ("auto", "gan"):
        raise UserError(
            f"trainer.strategy={node['strategy']} can't train two players in one module; leave it at auto: several "
            "devices then average the stepping player's gradients in one all-reduce."
        )
    if node.get("precision", "32-true") not in PRECISIONS:
        raise UserError(f"trainer.precision={node['precision']} is not one of {', '.join(map(str, PRECISIONS))}.")
    if node.get("log_every_n_steps", 1) < 1:
        raise UserError(f"trainer.log_every_n_steps={node['log_every_n_steps']}: give at least 1.")
    on_cpu = devices.accelerator == "cpu"
    if on_cpu and node.get("precision") in ("16-mixed", "16", 16, "16-true"):
        raise UserError(f"trainer.precision={node['precision']} needs a GPU; use bf16-mixed or 32-true on a CPU.")
    if on_cpu and node.get("sync_batchnorm"):
        raise UserError("trainer.sync_batchnorm=true needs GPUs; running statistics are averaged anyway.")
