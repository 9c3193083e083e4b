"""Conditional games: on two processes as on one, penalties with the labels, and classes that come out as asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import games
import pytest
import torch
from torch import Tensor, nn
from two_ranks import RANKS, both_ranks, store_in

from gan_lightning.games.gan import GAN
from gan_lightning.losses import AuxiliaryFake, AuxiliaryGenerator, AuxiliaryReal, GradientPenalty
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from gan_lightning.parallel.strategy import GANStrategy

pytestmark = pytest.mark.forks

TERMS = {
    "discriminator_terms": {"class_real": AuxiliaryReal(), "class_fake": AuxiliaryFake()},
    "generator_terms": {"class_generator": AuxiliaryGenerator()},
}
SHAPE = {"channels": 1, "resolution": games.PIXELS, "num_classes": 2, "width": 4, "norm": "layer"}


def projection() -> GAN:
    """A game with projection and a penalty, which differentiates D between the images under their labels."""
    torch.manual_seed(1)
    return games.game(
        DCGANGenerator(**SHAPE, conditioning="concat"),
        DCGANDiscriminator(**SHAPE, conditioning="projection"),
        optimizer=games.SGD,
        penalties={"gradient_penalty": GradientPenalty(weight=0.1)},
    )


def auxiliary() -> GAN:
    torch.manual_seed(1)
    return games.game(
        DCGANGenerator(**SHAPE, conditioning="concat"),
        DCGANDiscriminator(**SHAPE, conditioning="auxiliary"),
        optimizer=games.SGD,
        **TERMS,
    )


@pytest.mark.parametrize("make", [projection, auxiliary])
def test_two_processes_equal_one_with_the_whole_batch(make: Callable[[], GAN], tmp_path: Path) -> None:
    def train(rank: int) -> dict[str, Tensor]:
        strategy = GANStrategy(store=store_in(tmp_path))
        games.fit(module := make(), 8, batch_size=64, devices=RANKS, strategy=strategy)
        return games.weights(module)

    games.fit(alone := make(), 8, batch_size=64)
    first, second = both_ranks(train, tmp_path)
    assert games.largest_difference(first, second) == 0.0
    assert games.largest_difference(first, games.weights(alone)) < 1e-6


class SteepForClassOne(nn.Module):
    """Discriminator `D(x, y) = w_y · x` with `‖w_0‖ = 1` and `‖w_1‖ = 3`, which no update changes."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        directions = torch.zeros(2, games.PIXELS**2)
        directions[0, 5], directions[1, 7] = 1.0, 3.0
        self.directions = nn.Parameter(directions)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        assert y is not None
        return (self.directions[y] * x.flatten(1)).sum(1)


class Told(games.Generator):
    """Generator that takes labels and ignores them."""

    num_classes = 2


def test_a_penalty_is_taken_under_each_samples_own_label() -> None:
    """The penalty is the mean of `10 (‖w_y‖ - 1)²`, which is 0 for class 0 and 40 for class 1 at any point."""
    game = games.game(
        Told(),
        SteepForClassOne(),
        penalties={"gp": GradientPenalty(weight=10.0)},
        optimizer=partial(torch.optim.SGD, lr=0.0),
    )
    labels: list[Tensor] = []
    game.discriminator.register_forward_pre_hook(lambda _, args: labels.append(args[1]))
    games.fit(game, 1)
    share = labels[0].float().mean().item()
    assert 0 < share < 1
    assert all(torch.equal(each, labels[0]) for each in labels)  # real, fake, the points between, and G's
    assert game.scalars.drain(1, average=lambda x: x)["penalty/gp"] == pytest.approx(40 * share, rel=1e-5)
