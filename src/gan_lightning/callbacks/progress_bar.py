"""How far training is: a bar on a terminal, now and then a line in a log file."""

from __future__ import annotations

import sys
import time
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ProgressBar
from tqdm import tqdm

from gan_lightning.callbacks.curves import Curves
from gan_lightning.games.base import Game

SHOWN = {"loss/discriminator": "D", "loss/generator": "G"}


class Progress(ProgressBar):
    """One bar for the whole run, with losses, images per second and the time left.

    It shows the numbers that were last written to the loggers and never asks the device for one.

    Args:
        seconds_between_lines: Shortest time between two lines, which are printed instead of the bar if standard error
            is not a terminal.
    """

    def __init__(self, seconds_between_lines: float = 30.0) -> None:
        super().__init__()
        self.seconds_between_lines = seconds_between_lines
        self._bar: tqdm[Any] | None = None
        self._start = (0, 0.0)
        self._last_line = 0.0
        self._enabled = True

    def disable(self) -> None:
        """Lightning turns it off on every rank but the first."""
        self._enabled = False

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Open the bar where the run stands."""
        now = time.monotonic()
        self._start, self._last_line = (pl_module.iteration, now), now
        if self._enabled and sys.stderr.isatty():
            total = total_iterations(trainer)
            self._bar = tqdm(total=total, initial=pl_module.iteration, unit="it", dynamic_ncols=True, smoothing=0.1)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Advance the bar, or print a line if it is time for one."""
        if self._bar is not None:
            self._bar.update(pl_module.iteration - self._bar.n)
            if pl_module.iteration % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
                self._bar.set_postfix_str(self._numbers(trainer), refresh=False)
        elif self._enabled and time.monotonic() - self._last_line >= self.seconds_between_lines:
            self._last_line = time.monotonic()
            self._line(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Game) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def on_exception(self, trainer: Trainer, pl_module: Game, exception: BaseException) -> None:
        """Close the bar, so that the message starts on a line of its own."""
        self.on_train_end(trainer, pl_module)

    def _line(self, trainer: Trainer, module: Game) -> None:
        total = total_iterations(trainer)
        done, seconds = module.iteration - self._start[0], time.monotonic() - self._start[1]
        left = "" if total is None else f"{duration((total - module.iteration) * seconds / max(done, 1))} left"
        of = "" if total is None else f"/{total}"
        known = ", ".join(filter(None, (self._numbers(trainer), left)))  # at first neither need be
        sys.stderr.write(f"iteration {module.iteration}{of}{': ' if known else ''}{known}\n")

    def _numbers(self, trainer: Trainer) -> str:
        latest = next((callback.latest for callback in trainer.callbacks if isinstance(callback, Curves)), {})  # type: ignore[attr-defined]
        losses = [f"{short} {latest[name]:.3f}" for name, short in SHOWN.items() if name in latest]
        rate = [f"{latest['images_per_second']:.0f} images/s"] if latest else []
        return ", ".join(losses + rate)


def total_iterations(trainer: Trainer) -> int | None:
    """Number of iterations until the first known limit, or None if only the clock or nothing ends the run."""
    batches = trainer.num_training_batches
    by_epochs = trainer.max_epochs * batches if trainer.max_epochs is not None and trainer.max_epochs >= 0 else -1
    limits = [int(limit) for limit in (trainer.max_steps, by_epochs) if limit >= 0]
    return min(limits, default=None)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 45 s, 3 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
