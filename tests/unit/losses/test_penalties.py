"""Gradient penalties against closed forms and finite differences, in half precision, and at intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.losses import R1, R2, Dragan, GradientPenalty
from gan_lightning.networks import DCGANDiscriminator
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import DiscriminatorUpdate, Penalty, Verdict

SHAPE = (2, 3, 4)
PENALTIES = [
    GradientPenalty(),
    GradientPenalty(one_sided=True),
    GradientPenalty(center=0.0, at="real"),
    GradientPenalty(center=0.5, at="fake", interval=2),
    R1(),
    R1(interval=3),
    R2(),
    Dragan(),
    Dragan(interval=2),
]
BATCHES = pytest.mark.parametrize("batch", [1, 2, 64])


def update_of(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> DiscriminatorUpdate:
    """The update that a training step hands to a penalty which differentiates both real and fake images."""
    real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
    return DiscriminatorUpdate(
        real=real,
        fake=fake,
        labels=None,
        real_verdict=Verdict(critic(real)),
        fake_verdict=Verdict(critic(fake)),
        critic=critic,
        draw=UpdateDraw(key=(0,), rank=0, world_size=1, device=real.device),
    )


def images(batch: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(batch, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=dtype) * 2 - 1


def linear_critic(slope: float) -> Callable[[Tensor], Tensor]:
    w = torch.linspace(-1, 2, 24)
    w = slope * w / w.norm()
    return lambda x: x.flatten(1) @ w


def half_squared_norm(x: Tensor) -> Tensor:
    """A critic whose gradient is the image itself."""
    return x.flatten(1).square().sum(1) / 2


@BATCHES
@pytest.mark.parametrize(
    ("penalty", "slope", "expected"),
    [
        (GradientPenalty(), 3, 40),
        (GradientPenalty(), 1, 0),
        (GradientPenalty(at="real"), 3, 40),
        (GradientPenalty(at="fake"), 3, 40),
        (GradientPenalty(center=0.0), 3, 90),
        (GradientPenalty(one_sided=True), 3, 40),
        (GradientPenalty(), 0.5, 2.5),
        (GradientPenalty(one_sided=True), 0.5, 0),
        (Dragan(), 3, 40),
        (Dragan(), 1, 0),
        (R1(), 3, 45),
        (R2(), 3, 45),
        (R1(gamma=1.0), 1, 0.5),
        (R1(interval=16), 3, 16 * 45),
        (R2(interval=16), 3, 16 * 45),
        (GradientPenalty(interval=4), 3, 4 * 40),
        (Dragan(interval=4), 3, 4 * 40),
    ],
    ids=repr,
)
def test_linear_critic(penalty: Penalty, slope: float, expected: float, batch: int) -> None:
    update = update_of(linear_critic(slope), images(batch), images(batch, seed=1))
    assert penalty(update).item() == pytest.approx(expected, abs=1e-3 if expected else 1e-10)


@BATCHES
def test_r1_and_r2_add_up(batch: int) -> None:
    update = update_of(linear_critic(3), images(batch), images(batch, seed=1))
    assert (R1()(update) + R2()(update)).item() == pytest.approx(90, abs=1e-3)


@BATCHES
def test_where_the_gradient_is_taken(batch: int) -> None:
    """If the critic's gradient is the image itself, `∇D(x) = x`, every penalty is a formula of the points."""
    real, fake = images(batch), images(batch, seed=1)
    update = update_of(half_squared_norm, real, fake)
    draw = update.draw
    epsilon = draw.uniform("interpolation", (batch, 1, 1, 1))
    alpha = draw.uniform("perturbation, size", (batch, 1, 1, 1))
    noise = draw.uniform("perturbation", (batch, *SHAPE))

    def norms(x: Tensor) -> Tensor:
        return x.flatten(1).norm(dim=1)

    between = (1 - epsilon) * real + epsilon * fake
    around = real + alpha * 0.5 * real.std(correction=0) * noise
    expected = {
        R1(): 5 * norms(real).square().mean(),
        R2(): 5 * norms(fake).square().mean(),
        GradientPenalty(): 10 * (norms(between) - 1).square().mean(),
        GradientPenalty(at="real", center=0.0): 10 * norms(real).square().mean(),
        GradientPenalty(at="fake", center=0.0): 10 * norms(fake).square().mean(),
        Dragan(): 10 * (norms(around) - 1).square().mean(),
    }
    for penalty, value in expected.items():
        torch.testing.assert_close(penalty(update), value, atol=1e-4, rtol=0)
    assert len(set(epsilon.flatten().tolist())) == batch
    assert ((epsilon >= 0) & (epsilon < 1)).all()


@BATCHES
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_finite_differences_by_the_critics_weights(penalty: Penalty, batch: int) -> None:
    """D's backward pass through a penalty takes a second derivative, which is checked here on a curved critic."""
    generator = torch.Generator().manual_seed(2)
    w1 = torch.randn(24, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    w2 = torch.randn(3, generator=generator, dtype=torch.float64, requires_grad=True)
    real, fake = images(batch, dtype=torch.float64), images(batch, seed=1, dtype=torch.float64)

    def value(w1: Tensor, w2: Tensor) -> Tensor:
        return penalty(update_of(lambda x: (x.flatten(1) @ w1).tanh() @ w2, real, fake))

    assert value(w1, w2) > 0.1
    assert torch.autograd.gradcheck(value, (w1, w2))


@BATCHES
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("offset", [-50.0, 50.0])
def test_large_logits(penalty: Penalty, offset: float, batch: int) -> None:
    """A penalty looks at slopes, so a constant added to all logits changes neither the penalty nor its gradient."""
    w = torch.linspace(-1, 2, 24, requires_grad=True)

    def outcome(offset: float) -> tuple[Tensor, Tensor]:
        def critic(x: Tensor) -> Tensor:
            return (x.flatten(1) @ w).tanh() + offset

        value = penalty(update_of(critic, images(batch), images(batch, seed=1)))
        return value, *torch.autograd.grad(value, w)

    torch.testing.assert_close(outcome(offset), outcome(0.0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_a_flat_critic_gets_a_finite_gradient(penalty: Penalty) -> None:
    w = torch.zeros(24, requires_grad=True)
    (gradient,) = torch.autograd.grad(penalty(update_of(lambda x: x.flatten(1) @ w, images(4), images(4, 1))), w)
    assert torch.equal(gradient, torch.zeros(24))


@pytest.mark.parametrize(("penalty", "inputs"), [(R1(), ("real",)), (R2(), ("fake",))], ids=repr)
def test_r1_and_r2_share_the_forward_pass(penalty: Penalty, inputs: tuple[str, ...]) -> None:
    update = update_of(linear_critic(3), images(2), images(2, seed=1))
    passes: list[int] = []
    assert penalty.differentiates == inputs
    assert penalty(replace(update, critic=lambda x: passes.append(1) or x.sum((1, 2, 3)))).item() == pytest.approx(45)
    assert passes == []


@pytest.mark.parametrize("penalty", [GradientPenalty(), Dragan()], ids=repr)
def test_others_take_one_pass_and_nothing_of_the_losss(penalty: Penalty) -> None:
    update = update_of(linear_critic(1), images(2), images(2, seed=1))
    passes: list[int] = []
    assert penalty.differentiates == ()
    penalty(replace(update, critic=lambda x: passes.append(1) or x.sum((1, 2, 3))))
    assert passes == [1]


@pytest.mark.parametrize("penalty", [p for p in PENALTIES if not p.differentiates], ids=repr)
def test_autocast_does_not_reach_the_penalty(penalty: Penalty) -> None:
    critic = DCGANDiscriminator(channels=1, resolution=8, width=4, norm="layer")
    real, fake = torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8).bfloat16().float()
    exact = penalty(update_of(critic, real, fake))
    update = replace(update_of(critic, real, fake), fake=fake.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = penalty(update)
    assert half.dtype == torch.float32
    assert torch.equal(half, exact)


@pytest.mark.parametrize("penalty", [R1(), R2()], ids=repr)
def test_under_autocast_the_norms_are_float32(penalty: Penalty) -> None:
    """The forward pass shared with the loss runs in bfloat16, whose 8 bits of precision set the tolerance."""
    critic = DCGANDiscriminator(channels=1, resolution=8, width=4, norm="layer").apply(_widen)
    real, fake = torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8)
    exact = penalty(update_of(critic, real, fake))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = penalty(update_of(critic, real, fake))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half / exact, torch.tensor(1.0), atol=0.05, rtol=0)


@pytest.mark.parametrize("penalty", [R1(), R2()], ids=repr)
@pytest.mark.parametrize("slope", [300.0, 2.0**-14])
def test_squares_of_half_precision_gradients(penalty: Penalty, slope: float) -> None:
    """The square of the slope lies outside float16: above its largest number (65504) or below its smallest (6e-8)."""
    w = torch.zeros(24, dtype=torch.float16)
    w[0] = slope
    update = update_of(lambda x: x.flatten(1).half() @ w, images(2), images(2, seed=1))
    assert update.real_verdict.logits.dtype == torch.float16
    assert penalty(update).item() == pytest.approx(5 * slope**2, rel=1e-6)


@BATCHES
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize(("shared", "at"), [(R1(gamma=8.0), "real"), (R2(gamma=8.0), "fake")], ids=repr)
def test_a_gradient_penalty_is_r1_and_r2_with_a_pass_of_its_own(
    shared: Penalty, at: str, autocast: bool, batch: int
) -> None:
    """It equals R1 in float32; under autocast, it equals R1 computed without autocast."""
    critic = DCGANDiscriminator(channels=1, resolution=8, width=4, norm="layer").apply(_widen)
    real, fake = torch.rand(batch, 1, 8, 8), torch.rand(batch, 1, 8, 8)
    expected = shared(update_of(critic, real, fake))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        own = GradientPenalty(weight=4.0, center=0.0, at=at)(update_of(critic, real, fake))
    torch.testing.assert_close(own, expected, atol=0, rtol=1e-5)


def _widen(module: nn.Module) -> None:
    """A critic with weights of a usual size, so that the penalty is far from zero."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)


@pytest.mark.parametrize(
    ("penalty", "updates"),
    [(R1(), [0, 1, 2, 3, 4, 5]), (R1(interval=2), [0, 2, 4]), (GradientPenalty(interval=4), [0, 4])],
    ids=repr,
)
def test_due(penalty: Penalty, updates: list[int]) -> None:
    assert [n for n in range(6) if penalty.due(n)] == updates


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_all_keep_the_contract(penalty: Penalty) -> None:
    assert isinstance(penalty, Penalty)


@pytest.mark.parametrize(
    ("penalty", "wrong", "message"),
    [
        (R1, {"interval": 0}, "interval is 0"),
        (R2, {"gamma": -1.0}, r"gamma is -1\.0"),
        (Dragan, {"weight": -1.0}, r"weight is -1\.0"),
        (GradientPenalty, {"weight": -1.0}, r"weight is -1\.0"),
        (GradientPenalty, {"at": "nowhere"}, "'nowhere'.*interpolates, real, fake"),
    ],
)
def test_errors(penalty: Callable[..., Penalty], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        penalty(**wrong)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_the_logit_of_a_map_is_its_mean(penalty: Penalty) -> None:
    """A critic that gives maps is penalised as the one that gives their means."""
    weights = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(1)).abs()

    def of_maps(x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, weights[:, :2], padding=1).square().mean(1, keepdim=True)

    real, fake = images(4), images(4, seed=1)
    with_maps = penalty(update_of(of_maps, real, fake))
    assert with_maps.item() == pytest.approx(
        penalty(update_of(lambda x: of_maps(x).mean((1, 2, 3)), real, fake)).item()
    )
    assert with_maps.item() > 0
