"""Mixed precision: each player has its own scaler, and clipping and logged norms see true gradients."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, ClassVar

import games
import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from gan_lightning.callbacks import Curves
from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.gan import GAN
from gan_lightning.parallel.scalers import PlayerScalers
from gan_lightning.types import DiscriminatorUpdate

START = 65536.0  # GradScaler's first scale
OPTIMIZERS = {
    "plain": partial(torch.optim.SGD, lr=1.0),
    "fused": partial(torch.optim.SGD, lr=1.0, fused=True),
}


def moved(module: GAN, before: dict[str, Tensor], player: str) -> float:
    after = games.weights(module)
    return float(torch.cat([(after[n] - before[n]).flatten() for n in before if n.startswith(f"{player}.")]).norm())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_update_has_the_norm_of_the_clip_and_the_curve_the_true_one(optimizer: str) -> None:
    """The case without a clip shows the scale, because clipping hides that gradients are 65,536 times too large."""

    def updated(clip: GradientClip, **options: Any) -> tuple[GAN, dict[str, float], dict[str, float]]:
        module = games.game(optimizer=OPTIMIZERS[optimizer], clip=clip)
        before, curves = games.weights(module), Curves()
        games.fit(module, 1, callbacks=[curves], **options)
        return module, {p: moved(module, before, p) for p in ("generator", "discriminator")}, curves.latest

    for limit in (1e-3, None):
        _, expected, reference = updated(GradientClip(norm=limit))
        module, actual, curves = updated(GradientClip(norm=limit), plugins=[PlayerScalers("cpu")])
        assert {s.get_scale() for s in module.trainer.precision_plugin.scalers.values()} == {START}
        for player in ("generator", "discriminator"):
            assert actual[player] == pytest.approx(expected[player], rel=1e-2)
            name = f"gradient_norm/{player}"
            assert curves[name] == pytest.approx(reference[name], rel=1e-2)
    assert expected["discriminator"] > 10 * 1e-3  # so that the clip had something to do


class Overflow:
    """A penalty whose gradient is infinite, in the first ``updates`` D updates only."""

    differentiates: ClassVar[tuple[str, ...]] = ()

    def __init__(self, updates: int) -> None:
        self.updates = updates

    def due(self, d_updates: int) -> bool:
        return d_updates < self.updates

    def __call__(self, update: DiscriminatorUpdate) -> Tensor:
        return 1e36 * update.real_verdict.logits.float().mean()  # the value is finite, and its scaled gradient is not


class Scales(Callback):
    """Records both scales after every iteration."""

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.seen.append({name: scaler.get_scale() for name, scaler in trainer.precision_plugin.scalers.items()})


def test_an_overflow_of_d_is_skipped_and_leaves_g_alone() -> None:
    module = games.game(penalties={"overflow": Overflow(3)})
    before, scales, curves = games.weights(module), Scales(), Curves()
    games.fit(module, 3, callbacks=[scales, curves], plugins=[PlayerScalers("cpu")], log_every_n_steps=3)
    assert [seen["discriminator"] for seen in scales.seen] == [START / 2, START / 4, START / 8]
    assert [seen["generator"] for seen in scales.seen] == [START] * 3
    assert moved(module, before, "discriminator") == 0.0
    assert moved(module, before, "generator") > 0.0
    assert all(math.isfinite(value) for value in curves.latest.values())  # a skipped step does not count as divergence


def test_scales_are_saved_and_taken_up_again() -> None:
    module = games.game(penalties={"overflow": Overflow(2)})
    trainer = games.fit(module, 2, plugins=[PlayerScalers("cpu")])
    other = PlayerScalers("cpu")
    other.load_state_dict(trainer.precision_plugin.state_dict())
    assert {name: scaler.get_scale() for name, scaler in other.scalers.items()} == {
        "generator": START,
        "discriminator": START / 4,
    }


def test_bfloat16_trains_both_players() -> None:
    module = games.game()
    before = games.weights(module)
    games.fit(module, 2, precision="bf16-mixed")
    assert module.iteration == 2
    for player in ("generator", "discriminator"):
        assert moved(module, before, player) > 0
    assert all(p.dtype == torch.float32 for p in module.parameters())
