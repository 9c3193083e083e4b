"""Records what a run was: its configuration as text, its options in TensorBoard's table, and its processes."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan_lightning.callbacks.board import typed_first, write_table_and_charts
from gan_lightning.callbacks.quality import Quality
from gan_lightning.games.base import Game
from gan_lightning.runs.claim import promote
from gan_lightning.runs.folder import Attempt, RunFolder, write_json


class RunRecord(Callback):
    """Writes the configuration to TensorBoard, and what each process really trained with to ``attempts/``.

    Args:
        folder: The run folder.
        attempt: Number of this attempt, 0 for the first.
        config: The resolved configuration as plain values.
        config_text: The resolved configuration as YAML.
    """

    def __init__(self, folder: str, attempt: int, config: Mapping[str, Any], config_text: str) -> None:
        self.attempt = RunFolder(Path(folder)).attempt(attempt)
        self.config = config
        self.config_text = config_text

    def setup(self, trainer: Trainer, pl_module: Game, stage: str) -> None:
        """Take the run folder of rank 0, because under torchrun or SLURM every rank has composed one of its own."""
        self.attempt = Attempt(Path(trainer.strategy.broadcast(str(self.attempt.path))))

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Write what this process trains with and, on rank 0, the description of the run."""
        self.attempt.path.mkdir(parents=True, exist_ok=True)
        seen = {
            "rank": trainer.global_rank,
            "world_size": trainer.world_size,
            "device": str(trainer.strategy.root_device),
            "pid": os.getpid(),
            "threads": torch.get_num_threads(),
            "seed": pl_module.seed,
            "iteration": pl_module.iteration,
            "batch_size": trainer.datamodule.batch_size,  # type: ignore[attr-defined]
            "n_critic": pl_module.n_critic,
            **{name: type(network).__name__ for name, network in pl_module.networks.items()},
            "loss": repr(getattr(pl_module, "loss", None)),
            "learning_rates": {name: player.options[0]["lr"] for name, player in pl_module.players.items()},
        }
        write_json(self.attempt.of_rank(trainer.global_rank), seen)
        if trainer.is_global_zero:
            promote(self.attempt)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger) and trainer.is_global_zero:
                logger.experiment.add_text("config", f"```yaml\n{self.config_text}\n```", pl_module.iteration)
                quality = [each.names() for each in trainer.callbacks if isinstance(each, Quality)]  # type: ignore[attr-defined]
                write_table_and_charts(logger, self._columns(pl_module), list(chain(*quality)))

    def _columns(self, game: Game) -> dict[str, Any]:
        options = comparable(self.config, game.OF_GROUPS)
        return typed_first(options, self.attempt.words(), next(iter(game.networks)))

    def on_save_checkpoint(self, trainer: Trainer, pl_module: Game, checkpoint: dict[str, Any]) -> None:
        """Store the configuration in the checkpoint, so that its networks can be built from the checkpoint alone."""
        checkpoint["config"] = dict(self.config)


def comparable(config: Mapping[str, Any], of_groups: Collection[str]) -> dict[str, Any]:
    """Options by which a run can be compared in TensorBoard's table, without folders and without repetitions.

    Args:
        config: The resolved configuration as plain values.
        of_groups: Names of the game's options that come from other groups, which would be repetitions.
    """
    own = {name: node for name, node in config["model"].items() if name not in of_groups and not name.startswith("_")}
    groups = ("seed", "kimg", "n_critic", "data", "conditioning", "loss", "penalty", "constraint", "optimizer")
    trainer = {name: config["trainer"].get(name) for name in ("devices", "precision", "max_steps", "max_epochs")}
    return flat({**{name: config.get(name) for name in groups}, **own, "trainer": trainer})


def flat(node: Any, name: str = "") -> dict[str, Any]:
    """Nested mappings as one mapping with dotted keys, where an object is its class: ``loss: NonSaturating``."""
    if not isinstance(node, Mapping):
        return {name: node if isinstance(node, (int, float, str, bool)) else str(node)}
    values = {} if "_target_" not in node else {name: str(node["_target_"]).rsplit(".", 1)[-1]}
    for key, value in node.items():
        if not str(key).startswith("_"):
            values |= flat(value, f"{name}.{key}" if name else str(key))
    return values
