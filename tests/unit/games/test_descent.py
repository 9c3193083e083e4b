"""A step that goes straight there and one through all of Lightning's hooks are the same step."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import LambdaCallback
from lightning.pytorch.profilers import SimpleProfiler

from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.descent import Straight, ThroughLightning
from gan_lightning.games.gan import GAN
from gan_lightning.parallel.scalers import PlayerScalers


class Listening(Callback):
    """Notes what it is told around each step."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        self.heard.append("before backward")

    def on_after_backward(self, trainer: Any, pl_module: Any) -> None:
        self.heard.append("after backward")

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        self.heard.append("before step")


class OwnBackward(GAN):
    """A user's game with a hook of its own."""

    def on_after_backward(self) -> None:
        self.told = getattr(self, "told", 0) + 1


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_both_ways_give_the_same_weights_and_count_the_same_steps(precision: str) -> None:
    options: dict[str, Any] = {"n_critic": 2, "clip": GradientClip(value=0.1, norm=0.5)}
    straight, through = games.game(**options), games.game(**options)
    trainers = [
        games.fit(straight, 4, precision=precision),
        games.fit(through, 4, precision=precision, callbacks=[listening := Listening()]),
    ]
    assert isinstance(straight._descent, Straight)
    assert isinstance(through._descent, ThroughLightning)
    assert listening.heard == ["before backward", "after backward", "before step"] * 3 * 4
    ours, theirs = games.weights(straight), games.weights(through)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [trainer.global_step for trainer in trainers] == [4, 4]
    progress = [trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress for trainer in trainers]
    assert progress[0] == progress[1]
    assert straight.scalars.drain(4, lambda own: own) == through.scalars.drain(4, lambda own: own)


@pytest.mark.parametrize(
    "options",
    [
        {"callbacks": [LambdaCallback(on_before_backward=lambda *_: None)]},  # an attribute of the object itself
        {"profiler": SimpleProfiler()},
        {"plugins": [PlayerScalers("cpu")]},
    ],
    ids=["a callback", "a profiler", "gradient scalers"],
)
def test_whoever_wants_to_be_told_is(options: dict[str, Any]) -> None:
    module = games.game()
    games.fit(module, 1, **options)
    assert isinstance(module._descent, ThroughLightning)


def test_a_users_game_may_have_hooks_around_the_backward_pass() -> None:
    sgd = partial(torch.optim.SGD, lr=0.1)
    options = {"optimizer_generator": sgd, "optimizer_discriminator": sgd}
    module = OwnBackward(games.Generator(), games.Discriminator(), games.NonSaturating(), **options)
    games.fit(module, 3)
    assert module.told == 6


def test_other_callbacks_do_not_lengthen_the_way(tmp_path: Path) -> None:
    module = games.game()
    games.fit(module, 1, callbacks=[LambdaCallback(on_train_batch_end=lambda *_: None)])
    assert isinstance(module._descent, Straight)
