"""Batches in parts give the gradients of whole batches, on one process and on two, also if a run is interrupted."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import LambdaCallback
from torch import nn
from two_ranks import both_ranks, store_in

from gan_lightning.augment import DiffAugment
from gan_lightning.data import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.rules import of_parts
from gan_lightning.losses import (
    R1,
    R2,
    Dragan,
    GradientPenalty,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    TopK,
    Wasserstein,
)
from gan_lightning.parallel.strategy import GANStrategy

pytestmark = pytest.mark.forks

STEPS, BATCH = 4, 16
NOISY = {"label_smoothing": 0.1, "label_noise": 0.2, "label_flip": 0.2}
OPTIONS: dict[str, dict[str, Any]] = {
    **{type(loss).__name__: {"loss": loss} for loss in (Hinge(), LeastSquares(), Minimax(), Wasserstein())},
    "noisy targets": {"loss": NonSaturating(**NOISY)},
    "pairs and penalties": {"loss": Relativistic(), "penalties": {"r1": R1(interval=2), "r2": R2()}, "n_critic": 2},
    "gradient penalty": {"loss": Wasserstein(), "penalties": {"gp": GradientPenalty()}, "n_critic": 2},
    "clipped": {"clip": GradientClip(norm=0.1)},
    "augmented": {"augment": {"diffaugment": DiffAugment()}},
}


def trained(micro_batch: int | None, options: dict[str, Any], **fit: Any) -> tuple[games.GAN, dict[str, torch.Tensor]]:
    module = games.game(optimizer=partial(torch.optim.SGD, lr=0.05), **options)
    data: StreamDataModule = games.Noise(batch_size=BATCH, n_critic=module.n_critic, micro_batch=micro_batch)
    games.fit_on(data, module, fit.pop("steps", STEPS), fit.pop("callbacks", ()), fit.pop("checkpoint", None), **fit)
    return module, games.weights(module)


@pytest.mark.parametrize("name", OPTIONS)
def test_parts_are_the_whole(name: str) -> None:
    whole, theirs = trained(None, OPTIONS[name])
    parts, ours = trained(4, OPTIONS[name])
    assert parts.parts_of_update == BATCH // 4
    assert games.largest_difference(ours, theirs) < 1e-6
    assert parts.counters() == whole.counters()
    curves = [module.scalars.drain(STEPS, lambda own: own) for module in (parts, whole)]
    assert curves[0] == pytest.approx(curves[1], rel=1e-4, abs=1e-5)


def test_lightnings_own_way_adds_up_the_same() -> None:
    listening: list[Callback] = [LambdaCallback(on_before_backward=lambda *_: None)]
    _, through = trained(4, OPTIONS["pairs and penalties"], callbacks=listening)
    _, straight = trained(4, OPTIONS["pairs and penalties"])
    assert games.largest_difference(through, straight) == 0


def test_a_resumed_run_in_parts_is_the_one_that_was_not_interrupted(tmp_path: Path) -> None:
    discriminator = partial(games.Discriminator, dropout=0.3)
    kept = tmp_path / "kept.ckpt"
    saving = LambdaCallback(
        on_train_batch_end=lambda trainer, module, *_: module.iteration == 2 and trainer.save_checkpoint(kept)
    )
    _, theirs = trained(4, {"discriminator": discriminator()}, callbacks=[saving])
    _, ours = trained(4, {"discriminator": discriminator()}, checkpoint=kept)
    assert games.largest_difference(ours, theirs) == 0


def test_two_processes_in_parts_are_one_with_whole_batches(tmp_path: Path) -> None:
    _, alone = trained(None, OPTIONS["pairs and penalties"])

    def on_rank(rank: int) -> dict[str, torch.Tensor]:
        strategy = GANStrategy(store=store_in(tmp_path / "two"))
        return trained(4, OPTIONS["pairs and penalties"], strategy=strategy, devices=2)[1]

    first, second = both_ranks(on_rank, tmp_path / "two")
    assert games.largest_difference(first, second) == 0
    assert games.largest_difference(first, alone) < 1e-6


@pytest.mark.parametrize(
    ("options", "micro_batch", "reason"),
    [
        ({}, 5, "does not divide the 16 images"),
        ({"loss": RelativisticAverage()}, 4, "RelativisticAverage compares each sample with the whole batch"),
        ({"loss": TopK(NonSaturating())}, 4, "TopK compares each sample"),
        ({"reuse_fakes": True}, 4, "reuse_fakes keeps the graph"),
    ],
)
def test_what_can_not_be_computed_in_parts_is_refused(options: dict[str, Any], micro_batch: int, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        of_parts(games.game(**options), micro_batch, BATCH)


def test_batch_norm_in_parts_is_said_to_be_another() -> None:
    module = games.game(games.Generator(norm=nn.BatchNorm1d))
    (warning,) = of_parts(module, 4, BATCH)
    assert "generator are those of each 4 images" in warning
    assert of_parts(module, None, BATCH) == of_parts(games.game(penalties={"d": Dragan()}), 4, BATCH) == []
