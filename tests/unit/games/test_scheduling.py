"""Scheduled numbers: each place that there is, its value at each iteration, and after a resume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from gan_lightning.augment import Adaptive, DiffAugment, InstanceNoise
from gan_lightning.errors import UserError
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.gan import GAN
from gan_lightning.games.schedules import Constant, Linear
from gan_lightning.games.scheduling import Schedules
from gan_lightning.losses import R1, NonSaturating, WeightClip
from gan_lightning.types import GeneratorUpdate

# what each place is read from
PLACES: dict[str, Callable[[GAN], float]] = {
    "generator.lr": lambda game: game.optimizers()[0].param_groups[0]["lr"],
    "generator.beta1": lambda game: game.optimizers()[0].param_groups[0]["betas"][0],
    "discriminator.beta2": lambda game: game.optimizers()[1].param_groups[0]["betas"][1],
    "discriminator.weight_decay": lambda game: game.optimizers()[1].param_groups[0]["weight_decay"],
    "penalty.r1.gamma": lambda game: game.penalties["r1"].gamma,
    "constraint.clip.limit": lambda game: game.constraints["clip"].limit,
    "loss.label_smoothing": lambda game: game.loss.label_smoothing,
    "augment.noise.std": lambda game: game.augment["noise"].std,
    "augment.diffaugment.probability": lambda game: game.augment["diffaugment"].probability,
    "augment.adaptive.augmentation.cutout": lambda game: game.augment["adaptive"].augmentation.cutout,
    "ema.half_life_kimg": lambda game: game.average.half_life_kimg,
}


class Watch(Callback):
    """Notes one place of the game after each iteration."""

    def __init__(self, read: Callable[[GAN], float]) -> None:
        self.read = read
        self.values: list[float] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        self.values.append(self.read(pl_module))


def full_game(schedules: dict[str, Any]) -> GAN:
    """A game with something at every place."""
    return games.game(
        loss=NonSaturating(label_smoothing=0.9),
        penalties={"r1": R1()},
        constraints={"clip": WeightClip(1.0)},
        augment={"noise": InstanceNoise(), "diffaugment": DiffAugment(), "adaptive": Adaptive(DiffAugment())},
        ema=partial(MovingAverage, half_life_kimg=7),
        schedules=schedules,
    )


@pytest.mark.parametrize("place", PLACES)
def test_each_place_takes_its_value_before_each_iteration(place: str) -> None:
    watch = Watch(PLACES[place])
    module = full_game({place: Linear(start=0.5, end=0.1, kimg=0.016)})
    games.fit(module, 4, callbacks=[watch])
    assert watch.values == pytest.approx([0.5, 0.3, 0.1, 0.1])  # after 0, 8, 16 and 24 images
    assert module.schedules.values[place] == pytest.approx(0.1)


def test_two_numbers_of_one_pair_and_nested_names() -> None:
    module = full_game({"generator": {"beta1": Linear(0.1, 0.1, 1.0), "beta2": Linear(0.2, 0.2, 1.0)}})
    games.fit(module, 1)
    opt_g, opt_d = module.optimizers()
    assert opt_g.param_groups[0]["betas"] == (0.1, 0.2)
    assert opt_d.param_groups[0]["betas"] == (0.5, 0.999)


def test_scheduled_values_act() -> None:
    """A learning rate of 0 from the third iteration on leaves G where it is."""
    stopped, two = (
        games.game(schedules={"generator.lr": Linear(1e-2, 0.0, kimg=1e-3, after_kimg=0.015)}) for _ in "ab"
    )
    games.fit(stopped, 6)
    games.fit(two, 2)
    assert games.largest_difference(games.weights(stopped.generator), games.weights(two.generator)) == 0.0


def test_schedules_go_on_after_a_resume(tmp_path: Path) -> None:
    def new() -> GAN:
        places = ["generator.lr", "discriminator.beta2", "penalty.r1.gamma", "augment.noise.std", "ema.half_life_kimg"]
        return full_game({place: Linear(start=0.01, end=0.5, kimg=0.06) for place in places})

    games.fit(whole := new(), 7)
    games.fit(new(), 3).save_checkpoint(tmp_path / "run.ckpt")
    games.fit(resumed := new(), 7, checkpoint=tmp_path / "run.ckpt")
    assert games.largest_difference(games.weights(whole), games.weights(resumed)) == 0.0
    assert resumed.schedules.values == whole.schedules.values
    assert whole.schedules.values["generator.lr"] == pytest.approx(0.01 + 0.49 * 48 / 60)


def test_a_wrong_name_is_told_what_there_is() -> None:
    with pytest.raises(UserError, match=r"'penalty.r1.gama'. Did you mean penalty.r1.gamma.*discriminator.beta2.*ema"):
        full_game({"penalty.r1.gama": Linear(0.0, 1.0, 1.0)}).configure_optimizers()
    with pytest.raises(UserError, match=r"'generator.beta1'"):  # SGD has none
        games.game(optimizer=games.SGD, schedules={"generator.beta1": Linear(0.0, 1.0, 1.0)}).configure_optimizers()


def test_what_is_no_number_is_no_place() -> None:
    for name in ("penalty.r1.interval", "augment.adaptive.interval", "generator.fused"):
        with pytest.raises(UserError, match=name):
            full_game({name: Linear(0.0, 1.0, 1.0)}).configure_optimizers()


def test_a_number_is_no_schedule() -> None:
    with pytest.raises(UserError, match=r"schedule.generator.lr is 0.1"):
        Schedules({"generator": {"lr": 0.1}})


def test_parts_that_are_no_dataclasses_are_changed_in_place() -> None:
    class Weighted:
        def __init__(self, weight: float) -> None:
            self.weight = weight

        def __call__(self, update: GeneratorUpdate) -> Tensor:
            return self.weight * update.verdict.logits.mean()

    module = games.game(generator_terms={"mine": Weighted(1.0)}, schedules={"term.mine.weight": Constant(0.25)})
    games.fit(module, 1)
    assert module.generator_terms["mine"].weight == 0.25


def test_a_value_out_of_range_is_refused_when_it_comes() -> None:
    module = full_game({"penalty.r1.gamma": Linear(1.0, -1.0, kimg=0.008)})
    with pytest.raises(UserError, match="gamma is -1"):
        games.fit(module, 3)
    assert torch.isfinite(module.generator.layers[0].weight).all()
