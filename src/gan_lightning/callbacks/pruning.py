"""Ends a run of a search if the search finds that it is not worth its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, Trainer

from gan_lightning.callbacks.quality import Quality
from gan_lightning.games.base import Game


class Pruning(Callback):
    """Tells a search each measurement of the objective, and stops training if the search says so.

    Rank 0 asks, and all processes stop after the same iteration. ``last.ckpt`` is written as at any end of training.

    Args:
        objective: Name of a number that the :class:`~gan_lightning.callbacks.Quality` callback measures, such as
            averaged/fid.
        should_prune: Function that notes a value and the number of its measuring interval, and returns whether to stop.
            It takes the interval and not the iteration, because only intervals mean the same for trials with different
            batch sizes.
    """

    def __init__(self, objective: str, should_prune: Callable[[float, int], bool]) -> None:
        self.objective = objective
        self.should_prune = should_prune
        self.pruned = False

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Ask the search after each measurement whether to stop."""
        measured = (callback for callback in trainer.callbacks if isinstance(callback, Quality))  # type: ignore[attr-defined]
        quality = next(measured, None)
        if quality is None or quality.measured_at != pl_module.iteration or self.objective not in quality.latest:
            return
        value, interval = quality.latest[self.objective], quality.interval
        bad = trainer.is_global_zero and self.should_prune(value, interval)
        self.pruned = trainer.strategy.broadcast(bad)
        if self.pruned:
            trainer.should_stop = True
            if trainer.is_global_zero:
                print(f"\npruned at iteration {pl_module.iteration:,}: {self.objective} {value:.4g}", flush=True)
