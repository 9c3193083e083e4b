"""Lightning's loop over the batches of an epoch, without what no part of a run has asked for.

In every iteration Lightning asks each callback, the module, the strategy and the profiler whether one of some twenty
hooks does something, and looks for validation loops, schedulers and logged values. None of that changes while an epoch
lasts, so here it is found out once, when the epoch begins. A run that uses anything else takes Lightning's own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.core.hooks import DataHooks
from lightning.pytorch.loops.fetchers import _DataFetcher, _PrefetchDataFetcher
from lightning.pytorch.loops.progress import _ProcessedTracker
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.plugins import Precision
from lightning.pytorch.utilities.exceptions import SIGTERMException

from gan_lightning.data.loader import EndlessLoader
from gan_lightning.games.base import Game
from gan_lightning.games.descent import Straight, is_plain, overrides

BATCH_HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
HOOKS_OF_MODULES = ("on_train_batch_start", "on_train_batch_end")


@dataclass(frozen=True)
class Listeners:
    """Who takes part in each iteration of an epoch.

    Args:
        game: The game that is trained.
        batches: The stream of real data, from the game's current iteration on.
        transfer: Functions that bring a batch to the device, in this order.
        at_start: Hooks of callbacks before an iteration.
        at_end: Hooks of callbacks after an iteration.
        around_step: Makes the context in which ``training_step`` runs.
    """

    game: Game
    batches: Iterator[Any]
    transfer: Sequence[Callable[[Any], Any]]
    at_start: Sequence[Callable[..., None]]
    at_end: Sequence[Callable[..., None]]
    around_step: Callable[[], AbstractContextManager[Any]]


class GameLoop(_TrainingEpochLoop):
    """The loop over the iterations of an epoch; one iteration of a game is one batch of Lightning's."""

    listeners: Listeners | None = None
    """None if the run uses something that only Lightning's own loop does."""

    @classmethod
    def install(cls, trainer: Trainer) -> None:
        """Let ``trainer`` run this loop, with the limits that it was given."""
        own = trainer.fit_loop.epoch_loop
        trainer.fit_loop.epoch_loop = cls(trainer, own.min_steps, own.max_steps)

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Begin an epoch, and find out who listens."""
        super().on_run_start(data_fetcher)
        self.listeners = listeners(self.trainer, data_fetcher)

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Play iterations until something may end the epoch, which Lightning looks up after each call.

        An iteration does what Lightning does, in the same order, as far as somebody listens.
        """
        if self.listeners is None or self.restarting:
            super().advance(data_fetcher)
            return
        trainer, game, last = self.trainer, self.listeners.game, self.trainer.num_training_batches
        total, current = self.batch_progress.total, self.batch_progress.current
        assert isinstance(total, _ProcessedTracker)
        assert isinstance(current, _ProcessedTracker)
        hook = vars(game)  # where Lightning looks for the name of the hook under way; a module's setattr is slow
        counts = type(game._descent) is not Straight  # which counts by itself
        while True:
            index = current.ready
            batch = self._next_batch(self.listeners, data_fetcher, index)
            total.ready, current.ready = total.ready + 1, index + 1
            for tell in self.listeners.at_start:
                hook["_current_fx_name"] = "on_train_batch_start"
                tell(trainer, game, batch, index)
            total.started, current.started = total.started + 1, current.started + 1
            hook["_current_fx_name"] = "training_step"
            if counts:
                self.manual_optimization.on_run_start()  # from here on the steps of Lightning's optimizers are counted
            with self.listeners.around_step():
                game.training_step(batch, index)
            outputs = self.manual_optimization.on_run_end() if counts else {}
            total.processed, current.processed = total.processed + 1, current.processed + 1
            hook["_current_fx_name"] = "on_train_batch_end"
            for tell in self.listeners.at_end:
                tell(trainer, game, outputs, batch, index)
            hook["_current_fx_name"] = None
            logged = bool(self._results)  # what was given to ``self.log``
            if logged:
                trainer._logger_connector.on_batch_end()
            total.completed, current.completed = total.completed + 1, current.completed + 1
            if logged:
                trainer._logger_connector.update_train_step_metrics()
            if current.ready >= last or self.batch_progress.is_last_batch or self._may_stop():
                return
            self.on_advance_end(data_fetcher)

    def _may_stop(self) -> bool:
        """Whether a number of steps or somebody's wish may end training."""
        trainer, steps = self.trainer, self.manual_optimization.optim_step_progress.total.completed
        return trainer.should_stop or trainer.received_sigterm or 0 <= self.max_steps <= steps

    def _next_batch(self, listeners: Listeners, data_fetcher: _DataFetcher, index: int) -> Any:
        """The batch of the next iteration, on the device, and Lightning's notes about it."""
        if self.trainer.world_size > 1:
            self._broadcast_sigterm_tensor()
        batch = next(listeners.batches)
        data_fetcher.fetched += 1
        if data_fetcher.length is not None:
            data_fetcher.done = data_fetcher.fetched >= data_fetcher.length
        self.batch_progress.is_last_batch = data_fetcher.done
        for bring in listeners.transfer:
            batch = bring(batch)
        if index < 2:  # what it notes on the first two batches stays as it is for the others
            self.trainer._logger_connector.on_batch_start(batch)
        else:
            results = self._results
            results.batch, results.batch_size, results.dataloader_idx = batch, None, None
        return batch

    def on_advance_end(self, data_fetcher: _DataFetcher) -> None:
        """Count the iteration; there is nothing to validate."""
        if self.listeners is None:
            super().on_advance_end(data_fetcher)
            return
        self._batches_that_stepped += 1
        self._save_loggers_on_train_batch_end()
        if self.trainer.received_sigterm and not self._is_training_done:
            raise SIGTERMException


def listeners(trainer: Trainer, data_fetcher: _DataFetcher) -> Listeners | None:
    """Who takes part in an epoch, or None if there is more to an iteration than :class:`GameLoop` does."""
    game = trainer.lightning_module
    if (
        not isinstance(game, Game)
        or type(game).training_step is not Game.training_step
        or overrides(game, LightningModule, HOOKS_OF_MODULES)
        or not is_plain(trainer)
        or type(data_fetcher) is not _PrefetchDataFetcher
        or trainer.enable_validation
        or trainer.lr_scheduler_configs
    ):
        return None
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    precision = trainer.precision_plugin
    return Listeners(
        game,
        batches=_batches(data_fetcher),
        transfer=_transfer(trainer),
        at_start=[c.on_train_batch_start for c in callbacks if overrides(c, Callback, ("on_train_batch_start",))],
        at_end=[c.on_train_batch_end for c in callbacks if overrides(c, Callback, ("on_train_batch_end",))],
        around_step=nullcontext if type(precision) is Precision else precision.train_step_context,
    )


def _batches(data_fetcher: _DataFetcher) -> Iterator[Any]:
    """The batches past the layers that combine several loaders into one, if there is but one of our own.

    The stream is opened when the first batch is asked for: a resumed epoch begins with an iteration of Lightning's own,
    after which the game is one iteration further.
    """
    loader = data_fetcher.combined_loader.iterables
    if isinstance(loader, EndlessLoader):
        yield from loader
    else:
        yield from (batch for batch, _, _ in data_fetcher)


def _transfer(trainer: Trainer) -> list[Callable[[Any], Any]]:
    """The hooks of the data module or the game through which a batch goes, without those that do nothing."""
    selector = trainer._data_connector._datahook_selector
    assert selector is not None
    device = trainer.strategy.root_device
    before, to_device, after = (getattr(selector.get_instance(name), name) for name in BATCH_HOOKS)
    steps = [lambda batch: to_device(batch, device, 0)]
    if device.type == "cpu" and to_device.__func__ is DataHooks.transfer_batch_to_device:
        steps = []  # because nothing would be moved
    if before.__func__ is not DataHooks.on_before_batch_transfer:
        steps.insert(0, lambda batch: before(batch, 0))
    if after.__func__ is not DataHooks.on_after_batch_transfer:
        steps.append(lambda batch: after(batch, 0))
    return steps
