"""Interpolations between seeds and between classes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from verbs import trained

from gan_lightning import networks
from gan_lightning.errors import UserError
from gan_lightning.generate.between import between_classes, between_seeds
from gan_lightning.generate.sampler import Sampler
from gan_lightning.generate.seeds_and_classes import Wanted
from gan_lightning.networks import Generator

CPU = torch.device("cpu")
CONDITIONAL = [
    (network, conditioning)
    for network in (getattr(networks, name) for name in networks.__all__)
    if isinstance(network, type) and issubclass(network, Generator) and network is not Generator
    for conditioning in network.CONDITIONINGS
    if conditioning != "none" and network is not networks.PointGenerator
]


class Colour(nn.Module):
    """Draws its label and its first latent: red for the class, green for z."""

    latent_dim = 2
    num_classes = 3

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        share = y[:, 2] if y.is_floating_point() else (y == 2).float()
        return torch.stack([share, z[:, 0] / 4, 0 * share], 1)[:, :, None, None].expand(-1, -1, 2, 2)


class WholeOnly(Colour):
    """Knows no mixtures."""

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return super().forward(z, y.long())


def images(sampler: Sampler, *wanted: Wanted) -> Tensor:
    return torch.cat(list(sampler.draw(wanted)))


def test_between_seeds_pass_through_the_seeds() -> None:
    sampler = Sampler(trained(Colour()), CPU, batch_size=3)
    tiles = between_seeds(sampler, [4, 8, 2], [0, 2], steps=4, loop=False)
    assert tiles.shape == (2, 9, 3, 2, 2)
    for row, label in enumerate((0, 2)):
        keys = images(sampler, Wanted(4, label), Wanted(8, label), Wanted(2, label))
        assert torch.equal(tiles[row, ::4], keys)
    closed = between_seeds(sampler, [4, 8, 2], [0], steps=4, loop=True)
    assert closed.shape[1] == 12
    assert torch.equal(closed[0, :8], tiles[0, :8])


def test_classes_mix_evenly_while_the_latents_stay() -> None:
    sampler = Sampler(trained(Colour()), CPU)
    tiles = between_classes(sampler, [5, 6], [0, 2], steps=4, loop=False)
    assert tiles.shape == (2, 5, 3, 2, 2)
    red = [round(127.5 * (1 + share)) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert tiles[:, :, 0, 0, 0].tolist() == [red, red]
    green = tiles[:, :, 1, 0, 0]
    assert bool((green == green[:, :1]).all())
    assert green[0, 0] != green[1, 0]


def test_a_network_of_whole_classes_has_nothing_between_them() -> None:
    with pytest.raises(UserError, match=r"WholeOnly takes whole classes only.*classes=\[0, 2\] without interpolate="):
        between_classes(Sampler(trained(WholeOnly()), CPU), [5], [0, 2], 4, False)


@pytest.mark.parametrize("what", ["seeds", "classes"])
def test_one_end_is_not_enough(what: str) -> None:
    sampler = Sampler(trained(Colour()), CPU)
    with pytest.raises(UserError, match=rf"interpolate={what} needs two at least: {what}=\[1,2\]"):
        (between_seeds if what == "seeds" else between_classes)(sampler, [1], [1], 4, False)


@pytest.mark.parametrize(("network", "conditioning"), CONDITIONAL, ids=lambda part: getattr(part, "__name__", part))
def test_every_conditional_network_mixes_classes(network: type[Generator], conditioning: str) -> None:
    """A whole class and its one-hot vector are one image, and what lies half way is another."""
    generator = network(channels=1, resolution=32, num_classes=3, conditioning=conditioning)  # type: ignore[call-arg]
    for parameter in generator.parameters():  # batch norm's gains start alike in all classes
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    sampler = Sampler(trained(generator), CPU)
    (tiles,) = between_classes(sampler, [1], [0, 2], steps=2, loop=False)
    whole = images(sampler, Wanted(1, 0), Wanted(1, 2))
    assert int((tiles[::2].int() - whole.int()).abs().max()) <= 1
    assert all(int((tiles[1].int() - end.int()).abs().max()) > 1 for end in whole)
