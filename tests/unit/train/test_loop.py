"""The loop over iterations does what Lightning's own does, for all who listen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import games
import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import LambdaCallback
from lightning.pytorch.profilers import SimpleProfiler
from torch import Tensor

from gan_lightning.games.gan import GAN
from gan_lightning.train.loop import GameLoop

EPOCH = 5
"""Iterations in an epoch of the tests' data."""


class OurLoop(Callback):
    """Puts the loop in place of Lightning's."""

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        GameLoop.install(trainer)


class Noting(Callback):
    """Notes all that it is told about batches and epochs."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def note(self, hook: str, module: GAN, *facts: Any) -> None:
        progress = module.trainer.fit_loop.epoch_loop.batch_progress
        self.heard.append((hook, module._current_fx_name, module.iteration, progress.state_dict(), *facts))

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        images, labels = batch
        self.note("start", pl_module, float(images.sum()), labels.tolist(), batch_idx)
        assert images.dtype is torch.float32

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        images, labels = batch
        self.note("end", pl_module, float(images.sum()), labels.tolist(), outputs, batch_idx)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.note("epoch", pl_module)


def states(trainer: Trainer) -> dict[str, Any]:
    """All that a checkpoint holds of the loops, and the counters that Lightning shows."""
    loop = trainer.fit_loop
    counters = (trainer.global_step, trainer.current_epoch, loop.epoch_loop._batches_that_stepped)
    return {"loops": loop.state_dict(), "counters": counters}


def short(trainer: Trainer) -> bool:
    loop = trainer.fit_loop.epoch_loop
    return isinstance(loop, GameLoop) and loop.listeners is not None


def test_steps_are_counted_after_a_resume_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    """The first batch of a resumed run takes Lightning's own way, and those after it do not."""
    checkpoint = tmp_path / "last.ckpt"
    games.fit(games.game(), EPOCH + 2, callbacks=[OurLoop()]).save_checkpoint(checkpoint)
    module = games.game()
    trainer = games.fit(module, 2 * EPOCH - 1, callbacks=[OurLoop()], checkpoint=checkpoint)
    assert short(trainer)
    assert (trainer.global_step, module.iteration) == (2 * EPOCH - 1, 2 * EPOCH - 1)


@pytest.mark.parametrize("limit", [{"max_steps": 7}, {"max_steps": -1, "max_epochs": 2}], ids=["steps", "epochs"])
def test_it_tells_the_same_in_the_same_order_and_leaves_the_same_behind(limit: dict[str, int]) -> None:
    found = []
    for ours in (False, True):
        module, noting = games.game(n_critic=2), Noting()
        callbacks = [noting, *([OurLoop()] if ours else [])]
        steps = limit["max_steps"]
        trainer = games.fit(module, steps, callbacks=callbacks, **{k: v for k, v in limit.items() if k != "max_steps"})
        assert short(trainer) is ours
        found.append((noting.heard, states(trainer), {n: w.tolist() for n, w in games.weights(module).items()}))
    theirs, ours_ = found
    assert ours_[0] == theirs[0]
    assert ours_[1] == theirs[1]
    assert ours_[2] == theirs[2]


def test_what_is_logged_arrives() -> None:
    def metrics(*more: Callback) -> dict[str, Tensor]:
        class Logging(Callback):
            def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
                pl_module.log("images", float(pl_module.images_seen), on_step=True, on_epoch=True)

        module = games.game()
        trainer = games.fit(module, EPOCH, callbacks=[Logging(), *more])
        return trainer.callback_metrics

    assert metrics(OurLoop()) == metrics() != {}


class OwnStart(GAN):
    """A user's game with a hook that Lightning calls before each batch, and which may end the epoch."""

    told: ClassVar[list[int]] = []

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        self.told.append(batch_idx)
        return None


class OwnStep(GAN):
    """A user's game that gives something back."""

    def training_step(self, batch: Any, batch_idx: int = 0) -> None:
        super().training_step(batch, batch_idx)


@pytest.mark.parametrize("kind", [OwnStart, OwnStep])
def test_a_game_with_hooks_of_its_own_takes_lightnings_way(kind: type[GAN]) -> None:
    options = {"optimizer_generator": games.SGD, "optimizer_discriminator": games.SGD}
    module = kind(games.Generator(), games.Discriminator(), games.NonSaturating(), **options)
    trainer = games.fit(module, 2, callbacks=[OurLoop()])
    assert not short(trainer)
    assert trainer.global_step == 2
    if isinstance(module, OwnStart):
        assert module.told == [0, 1]


def test_a_profiler_takes_lightnings_way() -> None:
    profiler = SimpleProfiler()
    trainer = games.fit(games.game(), 2, callbacks=[OurLoop()], profiler=profiler)
    assert not short(trainer)
    assert len(profiler.recorded_durations["run_training_batch"]) == 2


@pytest.mark.parametrize("stop", [lambda trainer: setattr(trainer, "should_stop", True)])
def test_a_callback_can_end_training(stop: Callable[[Trainer], None]) -> None:
    ending = LambdaCallback(on_train_batch_end=lambda trainer, *_: stop(trainer))
    trainer = games.fit(games.game(), 9, callbacks=[ending, OurLoop()])
    assert trainer.global_step == 1
