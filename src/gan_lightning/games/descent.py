"""From a player's loss to its step: past all of Lightning's hooks, or straight there if nobody would notice.

Around the backward pass and the step of one update Lightning makes hundreds of function calls, nearly all of which ask
a callback that has nothing to say. :func:`descent` asks once, when training starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins import MixedPrecision, Precision
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch.optim import Optimizer

from gan_lightning.games.player import Player
from gan_lightning.games.stepping import Step, step_of
from gan_lightning.parallel.strategy import GANStrategy
from gan_lightning.types import Scalar

HOOKS_OF_CALLBACKS = ("on_before_backward", "on_after_backward", "on_before_optimizer_step")
HOOKS_OF_MODULES = ("manual_backward", "backward", "on_before_backward", "on_after_backward")
"""Without ``on_before_optimizer_step``, which is called on either way."""


@runtime_checkable
class Descent(Protocol):
    """Makes the gradients of a loss, averages them over the processes and applies them."""

    def __call__(self, player: Player, loss: Scalar) -> None:
        """Descend ``loss`` by one step of the player; its gradients are None before, or those of other parts."""
        ...

    def accumulate(self, loss: Scalar) -> None:
        """Add the gradients of one part of a batch to those of the others."""
        ...


class ThroughLightning:
    """The way that runs all hooks, the precision plugin with its gradient scaler, and the profiler.

    Args:
        game: The game whose players step.
    """

    def __init__(self, game: LightningModule) -> None:
        self.game = game

    def __call__(self, player: Player, loss: Scalar) -> None:
        """Descend; Lightning counts the steps that go through an optimizer of its own."""
        self.game.manual_backward(loss)
        if player.counted:
            _counted_optimizer(self.game).step()
        else:
            self.game.trainer.strategy.optimizer_step(player.optimizer, _no_closure)

    def accumulate(self, loss: Scalar) -> None:
        """Make gradients."""
        self.game.manual_backward(loss)


class Straight:
    """The same operations in the same order, without asking anybody: for games of which :func:`nobody_listens`.

    Args:
        game: The game whose players step.
    """

    def __init__(self, game: LightningModule) -> None:
        strategy = game.trainer.strategy
        self.average = strategy.average_for if isinstance(strategy, GANStrategy) else _alone
        self.before_step = game.on_before_optimizer_step
        self.progress = game.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        self.steps: dict[str, Step] = {}

    def __call__(self, player: Player, loss: Scalar) -> None:
        """Descend; what ``LightningOptimizer.step`` does to count its steps is done here."""
        loss.backward()  # type: ignore[no-untyped-call]
        self.average(player.optimizer)
        self.before_step(player.optimizer)
        step = self.steps.get(player.name)
        if step is None:
            step = self.steps[player.name] = step_of(player.optimizer)
        if not player.counted:
            step()
            return
        self.progress.increment_ready()
        step()
        self.progress.increment_completed()

    def accumulate(self, loss: Scalar) -> None:
        """Make gradients."""
        loss.backward()  # type: ignore[no-untyped-call]


def descent(game: LightningModule) -> Descent:
    """The shortest way that does all that anybody asked for."""
    return Straight(game) if nobody_listens(game) else ThroughLightning(game)


def nobody_listens(game: LightningModule) -> bool:
    """Whether neither callbacks nor the game nor the trainer do more around a step than Lightning's own."""
    callbacks: list[Callback] = game.trainer.callbacks  # type: ignore[attr-defined]
    return (
        not any(overrides(callback, Callback, HOOKS_OF_CALLBACKS) for callback in callbacks)
        and not overrides(game, LightningModule, HOOKS_OF_MODULES)
        and is_plain(game.trainer)
    )


def is_plain(trainer: Trainer) -> bool:
    """Whether the strategy, the precision and the profiler do nothing that is not done here too.

    A gradient scaler (float16), a profiler and strategies that wrap the module need Lightning's own way.
    """
    precision = trainer.precision_plugin
    return (
        type(trainer.strategy) in (SingleDeviceStrategy, GANStrategy)
        and (type(precision) is Precision or (type(precision) is MixedPrecision and precision.scaler is None))
        and type(trainer.profiler) is PassThroughProfiler  # type: ignore[attr-defined]
    )


def overrides(part: object, base: type, hooks: Iterable[str]) -> bool:
    """Whether one of the hooks is another than the base's, by its class or by an attribute of the object itself."""
    return any(getattr(getattr(part, hook), "__func__", None) is not getattr(base, hook) for hook in hooks)


def _counted_optimizer(game: LightningModule) -> Any:
    """The optimizer, wrapped by Lightning, whose steps are those of training."""
    optimizers = game.optimizers()
    assert isinstance(optimizers, list)
    return optimizers[0]


def _alone(optimizer: Optimizer) -> None:
    """A single process has nobody to average with."""


def _no_closure() -> None:
    """The gradients are there already: a closure that ran the backward pass would come after the reduction."""
