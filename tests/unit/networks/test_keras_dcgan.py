"""The networks of the Keras tutorial: its own tables, its initial weights, and one step of its recipe by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

import games
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor, nn

from gan_lightning.config.compose import config_folder
from gan_lightning.data.loader import permutation
from gan_lightning.errors import UserError
from gan_lightning.images import to_unit
from gan_lightning.losses import MixedBatch, NonSaturating
from gan_lightning.networks import KerasDCGANDiscriminator, KerasDCGANGenerator
from gan_lightning.networks.keras_dcgan import last_map
from gan_lightning.randomness import UpdateDraw
from gan_lightning.train.build import build_module

COLOUR = {"channels": 3, "resolution": 32}


def sizes(network: nn.Module) -> list[int]:
    """Number of parameters of each layer that has any."""
    layers = [module for module in network.modules() if not list(module.children())]
    return [count for layer in layers if (count := sum(p.numel() for p in layer.parameters()))]


# ------------------------------------------------------------------------------- Keras' model.summary() of the tutorial


def test_the_generator_has_the_tutorials_layers() -> None:
    generator = KerasDCGANGenerator(**COLOUR)
    assert sizes(generator) == [1_081_344, 819_456, 1_048_832, 1_638_656, 1_638_656, 37_635]
    assert sum(sizes(generator)) == 6_264_579


def test_the_discriminator_has_the_tutorials_layers() -> None:
    discriminator = KerasDCGANDiscriminator(**COLOUR)
    assert sizes(discriminator) == [3_584, 262_272, 262_272, 262_272, 513]
    assert sum(sizes(discriminator)) == 790_913


def test_maps_are_as_large_as_in_the_tutorial() -> None:
    sides: list[int] = []
    network = KerasDCGANDiscriminator(**COLOUR, width=2)
    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _, __, maps: sides.append(maps.shape[-1]))
    network(torch.zeros(1, 3, 32, 32))
    assert sides == [30, 14, 6, 2]
    generator = KerasDCGANGenerator(**COLOUR, width=2)
    assert generator.layers[:3](torch.zeros(1, 32)).shape == (1, 2, 16, 16)


@pytest.mark.parametrize(("resolution", "side"), [(24, 1), (28, 1), (32, 2), (64, 6), (128, 14)])
def test_other_resolutions(resolution: int, side: int) -> None:
    assert last_map(resolution) == side
    with torch.device("meta"):
        images = KerasDCGANGenerator(channels=1, resolution=resolution)(torch.zeros(2, 32))
        logits = KerasDCGANDiscriminator(channels=1, resolution=resolution)(images)
    assert (images.shape, logits.shape) == ((2, 1, resolution, resolution), (2,))


@pytest.mark.parametrize("resolution", [22, 29])
def test_resolutions_that_cannot_be(resolution: int) -> None:
    for network in (KerasDCGANGenerator, KerasDCGANDiscriminator):
        with pytest.raises(UserError, match=f"resolution {resolution} is not supported.*even and at least 24"):
            network(channels=1, resolution=resolution)


def test_initial_weights_are_glorots() -> None:
    """Weights lie within `±√(6/(fan-in + fan-out))`, and have the variance of a uniform distribution there."""
    for network in (KerasDCGANGenerator(**COLOUR, width=16), KerasDCGANDiscriminator(**COLOUR, width=16)):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert layer.bias is not None
                assert layer.bias.abs().max() == 0
                outputs, inputs = layer.weight.shape[:2]
                field = math.prod(layer.weight.shape[2:])
                limit = math.sqrt(6 / (field * (inputs + outputs)))
                assert 0.9 * limit < layer.weight.abs().max() <= limit
                if layer.weight.numel() > 1000:
                    assert layer.weight.var().item() == pytest.approx(limit**2 / 3, rel=0.15)


def test_slopes_and_dropout_are_keras() -> None:
    generator, discriminator = KerasDCGANGenerator(**COLOUR, width=1), KerasDCGANDiscriminator(**COLOUR, width=1)
    slopes = [
        [layer.negative_slope for layer in network.modules() if isinstance(layer, nn.LeakyReLU)]
        for network in (generator, discriminator)
    ]
    assert slopes == [[0.3] * 5, [0.3] * 4]
    assert [layer.p for layer in discriminator.modules() if isinstance(layer, nn.Dropout)] == [0.4]
    assert isinstance(generator.layers[-1], nn.Tanh)


# -------------------------------------------------------------------------------------------------------- the recipe


def test_the_loss_is_the_mean_over_the_mixed_batch() -> None:
    """The targets are Keras' own the other way round: `1 - 0.05 u` for real samples and `-0.05 u` for fake ones."""
    real, fake = torch.tensor([-5.0, 1.4]), torch.tensor([10.0, 4.4])
    draw = UpdateDraw((0,), rank=0, world_size=1, device=torch.device("cpu"))
    targets = torch.cat(
        [side - 0.05 * draw.uniform(f"label noise, {name}", (2,)) for side, name in ((1.0, "real"), (0.0, "fake"))]
    )
    probability = torch.sigmoid(torch.cat([real, fake]).double())
    by_hand = -(targets * probability.log() + (1 - targets) * (1 - probability).log()).mean()
    loss = MixedBatch(label_noise=0.05)
    assert loss.discriminator(real, fake, draw).item() == pytest.approx(by_hand.item(), rel=1e-6)
    assert 0.95 < targets[:2].min() <= targets[:2].max() <= 1.0
    assert -0.05 < targets[2:].min() <= targets[2:].max() <= 0.0
    assert loss.generator(fake, lambda: real).item() == NonSaturating().generator(fake, lambda: real).item()


FACTS = ("++data.channels=1", "++data.resolution=24", "++data.num_classes=2", "++run={folder:unused}")
SMALL = ("model.generator.width=2", "model.discriminator.dropout=0.0", "data.batch_size=4")


def game() -> games.GAN:
    """The game of ``experiment=keras_frogs``, at a small width and without dropout."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = OmegaConf.to_container(compose("train", ["experiment=keras_frogs", *FACTS, *SMALL]), resolve=True)
    assert isinstance(config, dict)
    return build_module({str(key): value for key, value in config.items()})


Weights = Mapping[str, Tensor]


def one_step(before: Weights, gradients: Weights, lr: float) -> dict[str, np.ndarray]:
    """The first step of Keras 2's RMSprop in float64: gradients clipped by value, epsilon outside of the root."""
    after = {}
    for name, gradient in gradients.items():
        g = np.clip(gradient.double().numpy(), -1.0, 1.0)
        mean_square = 0.9 * 0.0 + 0.1 * g**2
        after[name] = before[name].double().numpy() - lr * g / (np.sqrt(mean_square) + 1e-7)
    return after


def gradients_of(network: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    names, parameters = zip(*network.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


def softplus(x: Tensor) -> Tensor:
    return (1 + x.exp()).log()


def test_one_step_of_the_recipe() -> None:
    """D's update, then G's against the new D; images and random numbers are looked up, the rest is done by hand."""
    theirs, ours = game(), game()
    games.fit(theirs, 1, batch_size=4, resolution=24)

    real = first_images()
    z = {update: draw_of(ours, update).normal("z", (4, 32)) for update in ("D0", "G")}
    u = {side: draw_of(ours, "D0").uniform(f"label noise, {side}", (4,)) for side in ("real", "fake")}
    generator, discriminator = ours.generator, ours.discriminator
    r, f = discriminator(real), discriminator(generator(z["D0"]).detach())
    targets, logits = torch.cat([1 - 0.05 * u["real"], 0 - 0.05 * u["fake"]]), torch.cat([r, f])
    loss_d = (targets * softplus(-logits) + (1 - targets) * softplus(logits)).sum() / 8
    expected = one_step(discriminator.state_dict(), gradients_of(discriminator, loss_d), lr=8e-4)
    compare(theirs.discriminator, expected)

    discriminator.load_state_dict(theirs.discriminator.state_dict())
    loss_g = softplus(-discriminator(generator(z["G"]))).sum() / 4
    expected = one_step(generator.state_dict(), gradients_of(generator, loss_g), lr=4e-4)
    compare(theirs.generator, expected)


def draw_of(module: games.GAN, update: str) -> UpdateDraw:
    return UpdateDraw((module.seed, 0, update), rank=0, world_size=1, device=torch.device("cpu"))


def first_images() -> Tensor:
    """The images of the first batch of ``games.fit``."""
    images = games.Noise(batch_size=4, resolution=24).split("train").images
    return to_unit(images[permutation(len(images), seed=0, epoch=0)[:4]])


def compare(network: nn.Module, expected: Mapping[str, np.ndarray]) -> None:
    """Compare to a hundredth of a step, which is `lr/√0.1`, or less if a gradient is as small as its rounding error."""
    for name, parameter in network.named_parameters():
        np.testing.assert_allclose(parameter.detach().double().numpy(), expected[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("gradient", "step"),
    [
        (3.0, 8e-4 / (math.sqrt(0.1) + 1e-7)),  # clipped to 1
        (-0.5, -8e-4 * 0.5 / (math.sqrt(0.025) + 1e-7)),
        (1e-7, 8e-4 * 1e-7 / (math.sqrt(1e-15) + 1e-7)),  # with epsilon inside of the root it would be 2.5e-7
    ],
)
def test_rmsprop_has_keras_constants(gradient: float, step: float) -> None:
    options = OmegaConf.to_container(OmegaConf.load(f"{config_folder()}/optimizer/keras_rmsprop.yaml").discriminator)
    assert isinstance(options, dict)
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    weight.grad = torch.tensor([gradient], dtype=torch.float64).clamp(-1, 1)
    arguments = {str(key): value for key, value in options.items() if not str(key).startswith("_")}
    torch.optim.RMSprop([weight], **arguments).step()
    assert weight.item() == pytest.approx(-step, rel=1e-12)
