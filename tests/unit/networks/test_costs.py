"""Parameters and multiply-adds: against hand arithmetic, and without a trace in the network or the random numbers."""

from __future__ import annotations

import json
from pathlib import Path

import games
import pytest
import torch
from door import train
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lightning.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    DeepDCGANDiscriminator,
    DeepDCGANGenerator,
    KerasDCGANDiscriminator,
    MLPGenerator,
)
from gan_lightning.networks.costs import Cost, cost


def test_fully_connected_layers() -> None:
    """Fan-in times fan-out; what a bias adds is no product."""
    network = MLPGenerator(channels=1, resolution=4, latent_dim=3, widths=[5])
    assert cost(network, (3,)) == Cost(parameters=4 * 5 + 6 * 16, multiply_adds=3 * 5 + 5 * 16)


def test_convolutions() -> None:
    """Pixels of the output x kernel x channels in x channels out, for each convolution of the Keras tutorial's D."""
    found = cost(KerasDCGANDiscriminator(channels=3, resolution=32), (3, 32, 32))
    by_hand = 30**2 * 9 * 3 * 128 + sum(side**2 * 16 * 128 * 128 for side in (14, 6, 2)) + 512
    assert found == Cost(790_913, by_hand)


def test_transposed_convolutions() -> None:
    """Pixels of the *input* x kernel x channels in x channels out."""
    found = cost(DCGANGenerator(channels=1, resolution=32, width=4, latent_dim=10), (10,))
    assert found.multiply_adds == 16 * (10 * 16 + 4**2 * 16 * 8 + 8**2 * 8 * 4 + 16**2 * 4)


class Square(nn.Module):
    """A matrix product without a layer."""

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return x @ x.transpose(1, 2)


def test_products_without_a_layer_count() -> None:
    assert cost(Square(), (5, 7)) == Cost(0, 5 * 7 * 5)


class Hidden(nn.Module):
    """Holds a tensor where nobody looks for one."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.secret = [torch.ones(2)]

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return x @ self.secret[0]


def test_a_network_that_cannot_be_followed_still_has_parameters() -> None:
    found = cost(Hidden(), (2,))
    assert found == Cost(2, None)
    assert str(found) == "2 parameters"


class Restless(nn.Module):
    """All that a forward pass could leave behind: dropout, running statistics, a power iteration, a frozen part."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(spectral_norm(nn.Linear(4, 4)), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
        self.layers[2].eval()

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return self.layers(x)


def test_nothing_is_drawn_or_changed() -> None:
    network = Restless()
    modes = [module.training for module in network.modules()]
    before, random = {n: t.clone() for n, t in network.state_dict().items()}, torch.get_rng_state()
    assert cost(network, (4,)).multiply_adds == 4 * 4 + 4
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())


def test_conditional_networks_are_given_labels() -> None:
    shape = {"channels": 1, "resolution": 28, "width": 4, "num_classes": 10}
    generator = DCGANGenerator(**shape, conditioning="batch_norm")
    discriminator = DCGANDiscriminator(**shape, conditioning="projection")
    plain = DCGANGenerator(channels=1, resolution=28, width=4, latent_dim=generator.latent_dim + 1)  # and a constant
    found = games.game(generator, discriminator).costs((1, 28, 28))
    assert found["generator"].multiply_adds == cost(plain, (plain.latent_dim,)).multiply_adds
    assert found["generator"].parameters > cost(plain, (plain.latent_dim,)).parameters
    assert found["discriminator"].multiply_adds is not None


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Cost(6_264_579, 3_873_177_600), "6,264,579 parameters, 3,873.18 M multiply-adds an image"),
        (Cost(2_992, 126_224), "2,992 parameters, 0.13 M multiply-adds an image"),
    ],
)
def test_in_words(found: Cost, text: str) -> None:
    assert str(found) == text


def test_a_run_says_what_its_networks_cost(tmp_path: Path) -> None:
    answer = train("trainer.max_steps=1", tmp_path)
    spent = json.loads((tmp_path / "summary.json").read_text())["costs"]
    expected = {
        "generator": cost(DeepDCGANGenerator(channels=1, resolution=28, width=4, latent_dim=16), (16,)),
        "discriminator": cost(DeepDCGANDiscriminator(channels=1, resolution=28, width=4), (1, 28, 28)),
    }
    assert {player: Cost(**each) for player, each in spent.items()} == expected
    assert f"DeepDCGANGenerator: {expected['generator']}" in answer.out
    assert f"DeepDCGANDiscriminator: {expected['discriminator']}" in answer.out
