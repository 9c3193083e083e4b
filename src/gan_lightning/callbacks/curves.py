"""Writes the scalars that the module collects to every logger, every N iterations."""

from __future__ import annotations

import time
from typing import Any

from lightning.pytorch import Callback, Trainer

from gan_lightning.games.base import Game
from gan_lightning.runs.loggers import JsonLines


class Curves(Callback):
    """Losses, terms, logits, accuracies, gradient norms, learning rates and images per second.

    The step of every curve is the module's own iteration; ``images`` is logged beside it, since recipes with different
    n_critic or batch size are compared over images. All processes take part in the mean, rank 0 writes.
    """

    def __init__(self) -> None:
        self.latest: dict[str, float] = {}
        self.seconds = 0.0
        self.began = False
        """Whether training began, which it does not if nothing is left to do."""
        self._start = 0.0
        self._time = 0.0
        self._images = 0

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Start the clock."""
        self.began = True
        self._start = self._time = time.perf_counter()
        self._images = pl_module.images_seen
        for logger in trainer.loggers:
            if isinstance(logger, JsonLines):
                logger.begin()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Write every ``trainer.log_every_n_steps`` iterations."""
        if pl_module.iteration % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self.write(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Game) -> None:
        """Write what is left, and leave it in the checkpoint for a run that goes on from here."""
        if len(pl_module.scalars):
            self.write(trainer, pl_module, keep=True)
        self.seconds = time.perf_counter() - self._start

    def write(self, trainer: Trainer, pl_module: Game, keep: bool = False) -> None:
        """Drain the module's scalars into the loggers."""
        values = pl_module.scalars.drain(pl_module.iteration, pl_module.mean_over_processes, keep)
        now = time.perf_counter()
        values["images_per_second"] = (pl_module.images_seen - self._images) / max(now - self._time, 1e-9)
        self._time, self._images = now, pl_module.images_seen
        for name, player in pl_module.players.items():
            values[f"learning_rate/{name}"] = player.optimizer.param_groups[0]["lr"]
        values |= {f"schedule/{name}": value for name, value in pl_module.schedules.values.items()}
        values["images"] = pl_module.images_seen
        self.latest = pl_module.logged = values
        for logger in trainer.loggers:
            logger.log_metrics(values, step=pl_module.iteration)
