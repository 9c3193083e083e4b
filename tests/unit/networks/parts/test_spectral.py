"""Spectral norm in training, in evaluation, in the moving average (EMA), on two processes and after a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import games
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from two_ranks import both_ranks, store_in

from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.gan import GAN
from gan_lightning.losses import R1, GradientPenalty, Hinge
from gan_lightning.networks import (
    Discriminator,
    ResNetDiscriminator,
    ResNetGenerator,
    SAGANDiscriminator,
    SAGANGenerator,
)
from gan_lightning.networks.parts.spectral import SpectralNorm, prepared, spectral_norm
from gan_lightning.parallel.strategy import GANStrategy

SMALL = {"channels": 1, "resolution": games.PIXELS, "width": 8}


def norms(network: nn.Module) -> list[float]:
    """The largest singular value of each weight in the form in which its layer uses it."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.Embedding)]
    return [float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) for layer in layers]


def vectors(network: nn.Module) -> list[Tensor]:
    """The singular vectors that power iteration holds."""
    return [b.clone() for m in network.modules() if isinstance(m, SpectralNorm) for b in m.buffers()]


@pytest.mark.parametrize("conditioning", SAGANDiscriminator.CONDITIONINGS)
def test_after_a_warm_up_every_layer_has_norm_1(conditioning: str) -> None:
    discriminator = SAGANDiscriminator(num_classes=3, conditioning=conditioning, **SMALL)
    x, y = torch.randn(2, 1, 8, 8), torch.tensor([0, 2])
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.mul_(7)  # spectral norm removes the scale
        for _ in range(30):
            discriminator(x, y)
    assert norms(discriminator.eval()) == pytest.approx([1.0] * len(norms(discriminator)), abs=0.01)


def test_g_has_it_too() -> None:
    generator = SAGANGenerator(num_classes=3, conditioning="batch_norm", **SMALL)
    layers = [m for m in generator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == len(vectors(generator)) // 2
    plain = ResNetGenerator(**SMALL)
    assert vectors(plain) == []


def test_it_follows_in_training() -> None:
    """One power iteration per forward pass lags a little behind the optimizer, and catches up when that rests."""
    discriminator = ResNetDiscriminator(**SMALL)
    assert norms(discriminator.eval()) == pytest.approx([1.0] * 11, abs=0.05)
    optimizer = torch.optim.Adam(discriminator.train().parameters(), 2e-4, (0.0, 0.9))
    real = torch.randn(16, 1, 8, 8)
    for _ in range(40):
        optimizer.zero_grad()
        hinge = relu(1 - discriminator(real)) + relu(1 + discriminator(torch.randn(16, 1, 8, 8)))
        hinge.mean().backward()
        optimizer.step()
    assert norms(discriminator.eval()) == pytest.approx([1.0] * 11, abs=0.03)
    discriminator.train()
    for _ in range(20):
        discriminator(real)
    assert norms(discriminator.eval()) == pytest.approx([1.0] * 11, abs=0.01)


def test_under_autocast() -> None:
    discriminator = SAGANDiscriminator(**SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for _ in range(30):
            logits = discriminator(torch.randn(2, 1, 8, 8))
        logits.sum().backward()
        largest = max(norms(discriminator.eval()))
    assert largest == pytest.approx(1.0, abs=0.01)
    assert all(b.dtype == torch.float32 for b in vectors(discriminator))


def test_evaluation_changes_nothing() -> None:
    discriminator = SAGANDiscriminator(**SMALL)
    x = torch.randn(3, 1, 8, 8)
    before = games.weights(discriminator.eval())
    first, second = discriminator(x), discriminator(x)
    assert torch.equal(first, second)
    assert games.largest_difference(games.weights(discriminator), before) == 0.0
    discriminator.train()(x)
    assert games.largest_difference(games.weights(discriminator), before) > 0.0


def test_the_initial_weight_is_the_one_that_was_drawn() -> None:
    """Spectral norm leaves the drawn weight as it is; on the meta device, where nothing is drawn, shapes are right."""
    torch.manual_seed(0)
    plain = prepared(nn.Linear(30, 20), wrap=lambda layer: layer)
    torch.manual_seed(0)
    wrapped = prepared(nn.Linear(30, 20), wrap=spectral_norm)
    assert torch.equal(wrapped.parametrizations.weight.original, plain.weight)
    with torch.device("meta"):
        assert prepared(nn.Conv2d(3, 4, 1), wrap=spectral_norm)(torch.empty(2, 3, 5, 5)).shape == (2, 4, 5, 5)


def test_the_moving_average_is_normalised_by_its_own_norm() -> None:
    """If the path of the weights turns, the singular vectors of their average are not those of the last weights."""
    torch.manual_seed(0)
    layer = spectral_norm(nn.Linear(24, 24, bias=False))
    ema = MovingAverage(layer, half_life_kimg=3.2)
    weight = layer.parametrizations.weight.original
    drift = torch.randn(2, 24, 24)
    for step in range(1, 201):
        with torch.no_grad():
            weight += 0.003 * drift[step // 100 % 2]
            layer(torch.randn(1, 24))
        ema.update(images_per_update=32, images_before=32 * (step - 1))
    (norm,) = norms(ema.model)
    assert norm == pytest.approx(1.0, abs=0.01)

    average, copied = ema.model.parametrizations.weight.original, layer.parametrizations.weight[0]
    assert torch.linalg.matrix_norm(average / (copied._u @ average @ copied._v), 2) > 1.05
    assert not ema.model.training
    assert not ema.model.parametrizations.weight.training


def sagan(**options: Any) -> GAN:
    """A small SAGAN, whose initial weights are the same at each call."""
    torch.manual_seed(1)
    generator, discriminator = SAGANGenerator(latent_dim=4, **SMALL), SAGANDiscriminator(**SMALL)
    return games.game(generator, discriminator, loss=Hinge(), n_critic=2, **options)


@pytest.mark.forks
def test_two_processes_hold_the_same_vectors(tmp_path: Path) -> None:
    """Each process sees its own images but iterates on the same weights, so averaged buffers are still unit vectors."""

    def train(rank: int) -> dict[str, Any]:
        module = sagan()
        strategy = GANStrategy(store=store_in(tmp_path))
        games.fit(module, 3, devices=2, strategy=strategy)
        parts = (module.generator, module.discriminator, module.average)
        return {"weights": games.weights(module), "vectors": [v for part in parts for v in vectors(part)]}

    first, second = both_ranks(train, tmp_path)
    assert games.largest_difference(first["weights"], second["weights"]) == 0.0
    assert len(first["vectors"]) == 2 * len(vectors(sagan().generator)) + len(vectors(sagan().discriminator)) > 0
    lengths = torch.stack([v.norm() for v in first["vectors"]])
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=1e-6, rtol=0)


def test_a_resumed_run_is_the_same(tmp_path: Path) -> None:
    """Weights, singular vectors, averages and optimizer states are equal bit by bit."""
    games.fit(whole := sagan(), 6)
    trainer = games.fit(sagan(), 3)
    trainer.save_checkpoint(tmp_path / "half.ckpt", weights_only=False)
    games.fit(resumed := sagan(), 6, checkpoint=tmp_path / "half.ckpt")
    assert resumed.iteration == 6
    assert games.largest_difference(games.weights(whole), games.weights(resumed)) == 0.0


@pytest.mark.parametrize("penalty", [R1(), GradientPenalty()])
@pytest.mark.parametrize("network", [ResNetDiscriminator, SAGANDiscriminator])
def test_penalties_train_through_it(penalty: R1 | GradientPenalty, network: type[Discriminator]) -> None:
    """After two iterations all weights of D are finite and have moved, and power iteration has gone on."""
    torch.manual_seed(1)
    module = games.game(
        ResNetGenerator(latent_dim=4, **SMALL), network(**SMALL), loss=Hinge(), penalties={"penalty": penalty}
    )
    before, held = games.weights(module.discriminator), vectors(module.discriminator)
    games.fit(module, 2)
    after = games.weights(module.discriminator)
    assert all(bool(torch.isfinite(value).all()) for value in after.values())
    still = [name for name, value in after.items() if "original" in name and torch.equal(value, before[name])]
    assert all("attention" in name or ".key." in name or ".query." in name for name in still)
    assert not any(torch.equal(a, b) for a, b in zip(held, vectors(module.discriminator), strict=True) if len(a) > 1)
