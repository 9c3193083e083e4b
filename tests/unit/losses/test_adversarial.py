"""Adversarial losses: golden values, closed forms, and gradients that survive large logits."""

from __future__ import annotations

from math import log
from typing import Any

import pytest
import torch
from torch import Tensor, tensor

from gan_lightning.errors import UserError
from gan_lightning.losses import (
    Hinge,
    LeastSquares,
    Minimax,
    MixedBatch,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    TopK,
    Wasserstein,
)
from gan_lightning.losses.adversarial import soft_cross_entropy
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss

DRAW = UpdateDraw(key=(0,), rank=0, world_size=1, device=torch.device("cpu"))
TRICKS = {"label_smoothing": 0.1, "label_noise": 0.2, "label_flip": 0.3}
LOSSES = [
    *(NonSaturating(), NonSaturating(**TRICKS), Minimax(), Minimax(**TRICKS), LeastSquares(), Hinge(), Wasserstein()),
    *(Relativistic(), RelativisticAverage(), TopK(NonSaturating(), fraction=1.0), MixedBatch()),
]
BATCHES = pytest.mark.parametrize("batch", [1, 2, 64])
R = tensor([-5, 1.4, 12.5, 2.7])
R2 = tensor([-2, 0.4, 12.5, 2.7])
F = tensor([10, 4.4, -5.5, 3.6])


def both(loss: AdversarialLoss, real: Tensor, fake: Tensor) -> tuple[float, float]:
    return loss.discriminator(real, fake, DRAW).item(), loss.generator(fake, lambda: real).item()


@pytest.mark.parametrize(
    ("loss", "real", "expected"),
    [
        (NonSaturating(), R, (5.833866, 1.385821)),
        (NonSaturating(label_smoothing=0.25), R, (6.558866, 1.385821)),
        (Minimax(), R, (5.833866, -4.510821)),
        (Minimax(label_smoothing=0.25), R, (6.558866, -4.510821)),
        (LeastSquares(), R, (41.73375, 17.69625)),
        (Wasserstein(), R, (0.225, -3.125)),
        (Hinge(), R, (6.75, -3.125)),
        (Relativistic(), R, (4.822435, 4.597435)),
        (RelativisticAverage(), R2, (4.390114, 4.940114)),
    ],
    ids=repr,
)
def test_golden_values(loss: AdversarialLoss, real: Tensor, expected: tuple[float, float]) -> None:
    assert both(loss, real, F) == pytest.approx(expected, abs=2e-6)


@BATCHES
@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (NonSaturating(), (2 * log(2), log(2))),
        (Minimax(), (2 * log(2), -log(2))),
        (LeastSquares(), (0.5, 0.5)),
        (Hinge(), (2, 0)),
        (Wasserstein(), (0, 0)),
        (Relativistic(), (log(2), log(2))),
        (RelativisticAverage(), (2 * log(2), 2 * log(2))),
    ],
    ids=repr,
)
def test_zero_logits(loss: AdversarialLoss, expected: tuple[float, float], batch: int) -> None:
    assert both(loss, torch.zeros(batch), torch.zeros(batch)) == pytest.approx(expected, abs=1e-6)


@BATCHES
@pytest.mark.parametrize(
    ("loss", "real", "fake", "expected"),
    [  # the losses and the gradients d D/dr, d D/df, d G/df of one sample
        (NonSaturating(), -50, 50, (100, 0, -1, 1, 0)),
        (NonSaturating(), 50, -50, (0, 50, 0, 0, -1)),
        (NonSaturating(label_smoothing=0.25), -50, 50, (87.5, 0, -0.75, 1, 0)),
        (NonSaturating(label_smoothing=0.25), 50, -50, (12.5, 50, 0.25, 0, -1)),
        (Minimax(), -50, 50, (100, -50, -1, 1, -1)),
        (Minimax(), 50, -50, (0, 0, 0, 0, 0)),
        (LeastSquares(), -50, 50, (2550.5, 1200.5, -51, 50, 49)),
        (LeastSquares(), 50, -50, (2450.5, 1300.5, 49, -50, -51)),
        (Hinge(), -50, 50, (102, -50, -1, 1, -1)),
        (Hinge(), 50, -50, (0, 50, 0, 0, -1)),
        (Wasserstein(), -50, 50, (100, -50, -1, 1, -1)),
        (Wasserstein(), 50, -50, (-100, 50, -1, 1, -1)),
        (Relativistic(), -50, 50, (100, 0, -1, 1, 0)),
        (Relativistic(), 50, -50, (0, 100, 0, 0, -1)),
        (RelativisticAverage(), -50, 50, (200, 0, -2, 2, 0)),
        (RelativisticAverage(), 50, -50, (0, 200, 0, 0, -2)),
        (TopK(Hinge(), fraction=1.0), -50, 50, (102, -50, -1, 1, -1)),
        (TopK(Hinge(), fraction=1.0), 50, -50, (0, 50, 0, 0, -1)),
    ],
    ids=repr,
)
def test_large_logits(loss: AdversarialLoss, real: float, fake: float, expected: tuple[float, ...], batch: int) -> None:
    r = torch.full((batch,), float(real), requires_grad=True)
    f = torch.full((batch,), float(fake), requires_grad=True)
    loss_d = loss.discriminator(r, f, DRAW)
    loss_g = loss.generator(f, lambda: r.detach())
    gradients = (*torch.autograd.grad(loss_d, (r, f)), *torch.autograd.grad(loss_g, f))
    assert (loss_d.item(), loss_g.item()) == pytest.approx(expected[:2], abs=1e-4)
    for gradient, value in zip(gradients, expected[2:], strict=True):
        torch.testing.assert_close(gradient * batch, torch.full((batch,), float(value)), atol=1e-6, rtol=0)


@BATCHES
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_finite_differences(loss: AdversarialLoss, batch: int) -> None:
    real = torch.linspace(-2.3, 2.2, batch, dtype=torch.float64, requires_grad=True)
    fake = torch.linspace(1.7, -2.7, batch, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r, f: loss.discriminator(r, f, DRAW), (real, fake))
    assert torch.autograd.gradcheck(lambda r, f: loss.generator(f, lambda: r), (real, fake))


def slope_along_a_constant(loss: AdversarialLoss, at: float) -> float:
    """The derivative of D's loss by a constant that is added to all logits, if every logit equals ``at``."""
    logit = torch.tensor(float(at), requires_grad=True)
    return torch.autograd.grad(loss.discriminator(logit.expand(4), logit.expand(4), DRAW), logit)[0].item()


@pytest.mark.parametrize(
    ("loss", "border"), [(NonSaturating(), 0), (Minimax(), 0), (LeastSquares(), 0.5), (Hinge(), 0)], ids=repr
)
def test_a_d_that_cannot_tell_gives_the_border(loss: AdversarialLoss, border: float) -> None:
    assert loss.border == border
    assert slope_along_a_constant(loss, at=border) == pytest.approx(0, abs=1e-7)
    assert slope_along_a_constant(loss, at=border - 2) < -0.5
    assert slope_along_a_constant(loss, at=border + 2) > 0.5


@pytest.mark.parametrize("loss", [Wasserstein(), Relativistic(), RelativisticAverage()], ids=repr)
def test_losses_over_differences_have_no_border(loss: AdversarialLoss) -> None:
    assert not hasattr(loss, "border")
    assert [slope_along_a_constant(loss, at) for at in (-2.0, 0.0, 2.0)] == pytest.approx([0, 0, 0], abs=1e-7)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_half_precision_logits_give_a_float32_loss(loss: AdversarialLoss) -> None:
    real, fake = R.bfloat16(), F.bfloat16()
    assert loss.discriminator(real, fake, DRAW).dtype == torch.float32
    assert loss.generator(fake, lambda: real).dtype == torch.float32
    assert both(loss, real, fake) == pytest.approx(both(loss, real.float(), fake.float()), abs=1e-6)


@pytest.mark.parametrize("loss", [NonSaturating(), Minimax(), LeastSquares(), Hinge(), Wasserstein()], ids=repr)
def test_only_relativistic_losses_look_at_real_images_in_gs_step(loss: AdversarialLoss) -> None:
    looks: list[int] = []
    loss.generator(F, lambda: looks.append(1) or R)
    assert looks == []


def test_soft_cross_entropy_outside_the_unit_interval() -> None:
    values = soft_cross_entropy(tensor([50.0, -50.0, 0.0]), tensor([1.025, -0.05, 0.5]))
    torch.testing.assert_close(values, tensor([-1.25, -2.5, log(2)]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_target_that_all_samples_have_changes_no_bit(target: float) -> None:
    found = []
    for targets in (target, torch.full((1001,), target)):
        logits = torch.linspace(-200, 200, 1001).requires_grad_()
        values = soft_cross_entropy(logits, targets)
        found.append((values, *torch.autograd.grad(values.square().mean(), logits)))
    (value, slope), (expected, expected_slope) = found
    assert torch.equal(value, expected)
    assert torch.equal(slope, expected_slope)


def test_label_noise_is_the_keras_recipe() -> None:
    """The targets are `1 - 0.05 u` and `-0.05 u`, which add `0.05 u r` and `0.05 u f` to the loss at logits r and f."""
    real, fake = R.repeat(1000), F.repeat(1000)
    plain = NonSaturating().discriminator(real, fake, DRAW)
    noisy = NonSaturating(label_noise=0.05).discriminator(real, fake, DRAW)
    u_real, u_fake = (DRAW.uniform(f"label noise, {side}", (4000,)) for side in ("real", "fake"))
    assert (noisy - plain).item() == pytest.approx(
        0.05 * ((u_real * real).mean() + (u_fake * fake).mean()).item(), abs=1e-5
    )
    assert u_real.mean().item() == pytest.approx(0.5, abs=0.02)
    assert not torch.equal(u_real, u_fake)


def test_label_flips_exchange_the_targets_of_their_share_of_samples() -> None:
    """A flipped sample with logit x costs x more if real and x less if fake: with logits 1 and -1, 1 more each."""
    real, fake = torch.ones(40_000), -torch.ones(40_000)
    plain = NonSaturating().discriminator(real, fake, DRAW)
    flipped = NonSaturating(label_flip=0.1).discriminator(real, fake, DRAW)
    assert (flipped - plain).item() == pytest.approx(2 * 0.1, abs=0.01)


def test_tricks_on_targets_leave_the_generator_alone() -> None:
    tricks = {"label_smoothing": 0.1, "label_noise": 0.1, "label_flip": 0.1}
    assert NonSaturating(**tricks).generator(F, lambda: R) == NonSaturating().generator(F, lambda: R)
    assert Minimax(**tricks).generator(F, lambda: R) == Minimax().generator(F, lambda: R)


@pytest.mark.parametrize("bad", [{"label_smoothing": 1.0}, {"label_noise": -0.1}, {"label_flip": 1.5}], ids=repr)
def test_ranges(bad: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(bad))):
        NonSaturating(**bad)
    with pytest.raises(UserError, match="at least 0 and less than 1"):
        Minimax(**bad)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_all_keep_the_contract(loss: AdversarialLoss) -> None:
    assert isinstance(loss, AdversarialLoss)
