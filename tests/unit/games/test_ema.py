"""The moving average against a loop written by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.games.ema import MovingAverage


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))


def train_a_little(model: nn.Module) -> None:
    with torch.no_grad():
        model(torch.randn(8, 3))
        for p in model.parameters():
            p += torch.randn_like(p)


@pytest.mark.parametrize("ramp", [None, 0.05])
def test_hand_written_loop(ramp: float | None) -> None:
    model = network()
    ema = MovingAverage(model, half_life_kimg=0.5, ramp=ramp)
    expected = [p.detach().clone() for p in model.parameters()]
    for images in range(0, 64 * 5, 64):
        train_a_little(model)
        source = {name: x.clone() for name, x in model.state_dict().items()}
        ema.update(images_per_update=64, images_before=images)
        half_life = 500.0 if ramp is None else max(min(500.0, 0.05 * images), 1e-8)
        beta = 0.5 ** (64 / half_life)
        expected = [beta * e + (1 - beta) * p.detach() for e, p in zip(expected, model.parameters(), strict=True)]
        for average, e in zip(ema.model.parameters(), expected, strict=True):
            torch.testing.assert_close(average, e, atol=1e-6, rtol=0)
        for average, b in zip(ema.model.buffers(), model.buffers(), strict=True):
            assert torch.equal(average, b)
        assert all(torch.equal(x, source[name]) for name, x in model.state_dict().items())
    assert ema.model[1].num_batches_tracked == 5


def test_half_of_the_old_average_is_left_after_the_half_life() -> None:
    model = network()
    ema = MovingAverage(model, half_life_kimg=0.64)
    old = [p.clone() for p in ema.model.parameters()]
    train_a_little(model)
    for _ in range(10):
        ema.update(images_per_update=64, images_before=10**6)
    for average, before, now in zip(ema.model.parameters(), old, model.parameters(), strict=True):
        torch.testing.assert_close(average, 0.5 * before + 0.5 * now.detach(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("half_life_kimg", "ramp", "images"), [(0.0, None, 64), (0.0, 0.05, 64), (10.0, 0.05, 0)])
def test_no_half_life_copies(half_life_kimg: float, ramp: float | None, images: int) -> None:
    model = network()
    ema = MovingAverage(model, half_life_kimg, ramp)
    train_a_little(model)
    ema.update(images_per_update=64, images_before=images)
    assert all(torch.equal(a, p) for a, p in zip(ema.model.parameters(), model.parameters(), strict=True))


def test_it_stays_in_evaluation_mode_and_takes_no_gradient() -> None:
    model = network()
    whole = nn.ModuleDict({"g": model, "ema": MovingAverage(model, 10.0)}).train()
    ema = whole["ema"]
    assert model.training
    assert not any(module.training for module in ema.model.modules())
    assert not any(p.requires_grad for p in ema.parameters())
    assert all(p.requires_grad for p in model.parameters())
    x = torch.randn(5, 3)
    assert torch.equal(ema(x), ema(x))  # dropout would differ
    assert ema.model[1].num_batches_tracked == 0


def test_state_is_that_of_the_copy() -> None:
    model = network()
    ema = MovingAverage(model, 10.0)
    assert set(ema.state_dict()) == {f"model.{name}" for name in model.state_dict()}


def test_a_network_without_buffers() -> None:
    model = nn.Linear(2, 2)
    ema = MovingAverage(model, 0.0)
    ema.update(64, 64)
    assert torch.equal(ema.model.weight, model.weight)


def test_ranges() -> None:
    with pytest.raises(UserError, match=r"half_life_kimg is -1\.0"):
        MovingAverage(network(), -1.0)
    with pytest.raises(UserError, match=r"ramp is 0\.0.*null"):
        MovingAverage(network(), 10.0, ramp=0.0)
