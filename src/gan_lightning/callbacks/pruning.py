"""Ends a run of a search that is not worth its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, Trainer

from gan_lightning.callbacks.quality import Quality
from gan_lightning.games.base import Game


class Pruning(Callback):
    """Tells each measurement of the objective to a search, and stops training where the search says so.

    Rank 0 asks and all processes stop after the same iteration. ``last.ckpt`` is written as at any end.

    Args:
        objective: A number that the :class:`~gan_lightning.callbacks.Quality` callback measures, such as averaged/fid.
        should_prune: Notes a value and the number of its measuring interval, and says whether to stop. The interval
            and not the iteration is what trials with different batch sizes have in common.
    """

    def __init__(self, objective: str, should_prune: Callable[[float, int], bool]) -> None:
        self.objective = objective
        self.should_prune = should_prune
        self.pruned = False

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Ask after each measurement."""
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
