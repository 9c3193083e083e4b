"""Saves by iterations, by the clock and when asked to stop, on all processes at the same iteration."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from gan_lightning.callbacks.cadence import Cadence
from gan_lightning.callbacks.health import Health
from gan_lightning.callbacks.quality import Quality
from gan_lightning.callbacks.signals import StopSignals
from gan_lightning.errors import Diverged, UserError
from gan_lightning.games.base import Game
from gan_lightning.runs.checkpoint import keep_copy
from gan_lightning.runs.folder import RunFolder

AGREE_EVERY = 8
"""Iterations between two questions to the other processes; what only one of them knows waits at most this long."""


class Checkpoint(Callback):
    """Writes ``checkpoints/last.ckpt`` (the one before is kept beside it), by kimg copies that stay, and ``best.ckpt``.

    The :class:`~gan_lightning.callbacks.Quality` callback of the same run says which iteration is the best. If the run
    has no such callback, no ``best.ckpt`` is written. If the :class:`~gan_lightning.callbacks.Health` callback may roll
    the run back, ``healthy.ckpt`` is the last one at which no illness showed.

    On SIGTERM, Ctrl-C, SIGHUP and SIGUSR1 (:mod:`gan_lightning.callbacks.signals`) the iteration under way is finished,
    ``last`` is written and training stops. After an error ``last`` is written too, unless training diverged, or several
    processes train, whose weights may then differ.

    Args:
        folder: The run folder.
        every_iterations: Save ``last`` every so many iterations.
        every_minutes: Save ``last`` at least that often; rank 0's clock decides.
        keep_every_kimg: Also keep a copy every so many thousand images.
        requeue: Whether SLURM is asked to queue the job again after its notice, SIGUSR1.
    """

    def __init__(
        self,
        folder: str,
        every_iterations: int | None = None,
        every_minutes: float | None = 5.0,
        keep_every_kimg: float | None = None,
        requeue: bool = False,
    ) -> None:
        for name, value in (
            ("every_iterations", every_iterations),
            ("every_minutes", every_minutes),
        ):
            if value is not None and value <= 0:
                raise UserError(f"callbacks.checkpoint.{name}={value}: give a positive number, or null for never.")
        self.run = RunFolder(Path(folder))
        self.every_iterations = every_iterations
        self.every_minutes = every_minutes
        self.requeue = requeue
        self._began = False
        self._saved_at = 0
        self._keep = Cadence(keep_every_kimg, "callbacks.checkpoint.keep_every_kimg")
        self._best = -1
        self._measured: list[Quality] = []
        self._doctors: list[Health] = []
        self._saved_time = 0.0
        self._signals = StopSignals()

    @property
    def signal(self) -> int | None:
        """The signal that ends training, or None."""
        return self._signals.received

    def setup(self, trainer: Trainer, pl_module: Game, stage: str) -> None:
        """Replace Lightning's handling of SIGTERM, which broadcasts in every batch and even in its signal handler."""
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _nothing  # type: ignore[method-assign]
        trainer._signal_connector.register_signal_handlers = self._signals.take  # type: ignore[method-assign]

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Count iterations, images and minutes from here."""
        self._saved_at = pl_module.iteration
        self._keep.start(pl_module.images_seen)
        self._measured = [each for each in trainer.callbacks if isinstance(each, Quality)]  # type: ignore[attr-defined]
        self._doctors = [each for each in trainer.callbacks if isinstance(each, Health)]  # type: ignore[attr-defined]
        self._best = self._best_iteration()
        self._saved_time = time.monotonic()
        self._began = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save if it is due, and stop if somebody was asked to."""
        iteration = pl_module.iteration
        due = self.every_iterations is not None and iteration % self.every_iterations == 0
        keep = self._keep.due(pl_module.images_seen)
        if trainer.world_size == 1 or iteration % AGREE_EVERY == 0:
            number, clock = self._agree(trainer)
            if number:
                self._signals.received = number
                trainer.should_stop = True
            due = due or clock or bool(number)
        if due or keep or self._best_iteration() > self._best:
            self.save(trainer, pl_module)
        if keep and trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            keep_copy(self.run.last, self.run.checkpoint_at_kimg(pl_module.images_seen // 1000))

    def on_train_end(self, trainer: Trainer, pl_module: Game) -> None:
        """Save the end of training, unless it is on disk already."""
        self._signals.give_back()
        if pl_module.iteration != self._saved_at or self._best_iteration() > self._best:
            self.save(trainer, pl_module)

    def on_exception(self, trainer: Trainer, pl_module: Game, exception: BaseException) -> None:
        """Give signals back, and save what is not on disk yet.

        Nothing is saved if training diverged, if the user does not want to wait, or if several processes train, because
        after an error their weights may differ and one may wait for another for ever.
        """
        self._signals.give_back()
        wanted = isinstance(exception, Exception) and not isinstance(exception, Diverged)
        new = pl_module.iteration != self._saved_at
        if not (self._began and wanted and new) or trainer.world_size > 1 or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        try:
            self.save(trainer, pl_module)
        except Exception as second:  # such as a full disk, which may be the first error too
            print(f"\nafter an error nothing could be saved: {second}", flush=True)
        else:
            print(f"\nsaved before an error ends the run: {self.run.last}", flush=True)

    def requeue_if_asked(self) -> None:
        """After SLURM's notice that the time is over, have the job queued again, if the run is to do so."""
        job = os.environ.get("SLURM_JOB_ID")
        if not self.requeue or self.signal != getattr(signal, "SIGUSR1", None):
            return
        if job is None:
            print("requeue=true: there is no SLURM_JOB_ID, so this is no job of SLURM's to queue again", flush=True)
            return
        if "SLURM_ARRAY_JOB_ID" in os.environ:
            job = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
        try:
            subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            reason = str(getattr(error, "stderr", None) or error).strip()
            print(f"requeue=true: scontrol requeue {job} failed: {reason}", flush=True)
        else:
            print(f"job {job} is queued again", flush=True)

    def save(self, trainer: Trainer, pl_module: Game) -> None:
        """Write ``last``, and ``best`` where this is the best; the old last becomes ``last.previous``.

        Called by all processes.
        """
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        pl_module.scalars.require_finite(pl_module.iteration)
        last = self.run.last
        if trainer.is_global_zero and last.is_file():
            keep_copy(last, self.run.previous)
        trainer.save_checkpoint(last)
        for logger in trainer.loggers:  # so that a kill takes no numbers that the run will not log again
            logger.save()
        self._saved_at = pl_module.iteration
        self._saved_time = time.monotonic()
        if trainer.is_global_zero and any(each.keeps_healthy for each in self._doctors):
            keep_copy(last, self.run.healthy)
        if (best := self._best_iteration()) > self._best:
            self._best = best
            if trainer.is_global_zero:
                keep_copy(last, self.run.best)

    def _agree(self, trainer: Trainer) -> tuple[int, bool]:
        """The signal that any process got (0 for none), and whether rank 0's clock says that a save is due."""
        late = self.every_minutes is not None and time.monotonic() - self._saved_time > 60 * self.every_minutes
        mine = [self._signals.received or 0, int(late and trainer.is_global_zero)]
        if trainer.world_size == 1:
            return mine[0], bool(mine[1])
        theirs = torch.tensor(mine, device=trainer.strategy.root_device)
        torch.distributed.all_reduce(theirs, op=torch.distributed.ReduceOp.MAX)
        number, clock = theirs.tolist()
        return int(number), bool(clock)

    def _best_iteration(self) -> int:
        """Iteration at which the measured quality was best so far, or -1 if nothing was measured."""
        return max((quality.best_iteration for quality in self._measured), default=-1)


def _nothing() -> None:
    """Stands in for Lightning's per-batch broadcast."""
