"""What holds for every game between two domains: resume, processes, data that it is played on, and precision."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import games
import pytest
import torch
import translation
from lightning.pytorch import Callback
from two_ranks import RANKS, both_ranks, store_in

from gan_lightning.augment import DiffAugment
from gan_lightning.errors import UserError
from gan_lightning.games.image_pool import ImagePool
from gan_lightning.games.rules import check
from gan_lightning.losses import R1, GradientPenalty, Hinge, RelativisticAverage
from gan_lightning.parallel.strategy import GANStrategy

SGD = partial(torch.optim.SGD, lr=2e-3)
"""Larger steps would magnify the rounding of the first ones."""
GAMES = sorted(translation.GAMES)


@pytest.mark.parametrize("game", GAMES)
def test_it_resumes_to_the_bit(game: str, tmp_path: Path) -> None:
    """The image pool, which is full at the checkpoint and not in every row, included."""

    def new() -> Any:
        return translation.GAMES[game](image_pool=ImagePool(images=6), n_critic=2)

    translation.fit(whole := new(), 5)
    translation.fit(new(), 2).save_checkpoint(tmp_path / "run.ckpt")
    translation.fit(resumed := new(), 5, checkpoint=tmp_path / "run.ckpt")
    assert games.largest_difference(games.weights(whole), games.weights(resumed)) == 0.0
    translation.fit(plain := translation.GAMES[game](n_critic=2), 5)
    assert games.largest_difference(games.weights(whole), games.weights(plain)) > 0.0


class SaveAt(Callback):
    """While the processes are together: the image pool is gathered."""

    def __init__(self, iteration: int, path: Path) -> None:
        self.iteration, self.path = iteration, path

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        if pl_module.iteration == self.iteration:
            trainer.save_checkpoint(self.path)


@pytest.mark.forks
@pytest.mark.parametrize("game", GAMES)
def test_two_processes_play_what_one_plays_and_one_goes_on_from_two(game: str, tmp_path: Path) -> None:
    halfway = tmp_path / "halfway.ckpt"

    def new() -> Any:
        options: dict[str, Any] = {"dropout": 0.0} if game == "pix2pix" else {}
        augment = {"diffaugment": DiffAugment()}
        pool, penalties = ImagePool(images=6), {"r1": R1(gamma=0.01, interval=2)}
        return translation.GAMES[game](
            SGD, image_pool=pool, penalties=penalties, augment=augment, n_critic=2, **options
        )

    def train(rank: int) -> dict[str, Any]:
        strategy = GANStrategy(store=store_in(tmp_path))
        module = new()
        translation.fit(module, 3, devices=RANKS, strategy=strategy, callbacks=[SaveAt(2, halfway)])
        return games.weights(module)

    ranks = both_ranks(train, tmp_path)
    translation.fit(alone := new(), 3)
    assert games.largest_difference(ranks[0], ranks[1]) == 0.0
    assert games.largest_difference(ranks[0], games.weights(alone)) < 1e-6
    translation.fit(resumed := new(), 3, checkpoint=halfway)
    assert games.largest_difference(games.weights(resumed), games.weights(alone)) < 1e-6


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("loss", [Hinge(), RelativisticAverage()], ids=repr)
def test_losses_penalties_and_augmentation_are_injected(game: str, loss: Any) -> None:
    module = translation.GAMES[game](loss=loss, penalties={"gp": GradientPenalty()}, augment={"diff": DiffAugment()})
    assert check(module, 0) == []
    translation.fit(module, 2)
    values = module.scalars.drain(1, lambda own: own)
    assert {name for name in values if name.startswith("penalty/gp")}
    assert all(value.isfinite().all() for value in module.state_dict().values())


@pytest.mark.parametrize("game", GAMES)
def test_it_trains_in_mixed_precision(game: str) -> None:
    translation.fit(module := translation.GAMES[game](), 2, precision="bf16-mixed")
    assert all(value.isfinite().all() for value in module.state_dict().values())
    assert all(value.dtype == torch.float32 for value in module.state_dict().values())


def test_data_that_it_cannot_be_played_on_are_refused() -> None:
    images = games.Noise(batch_size=4)
    unpaired = translation.RandomDomains(batch_size=4)
    with pytest.raises(UserError, match=r"Pix2Pix can't be played on RandomDomains.*data=edges"):
        translation.pix2pix().require(unpaired)
    for game in (translation.cyclegan(), translation.cut()):
        game.require(unpaired)
        game.require(translation.RandomPairs(batch_size=4))
        with pytest.raises(UserError, match=r"on Noise.*data=styles"):
            game.require(images)


@pytest.mark.parametrize("game", GAMES)
def test_its_networks_are_costed(game: str) -> None:
    module = translation.GAMES[game]()
    costs = module.costs((3, translation.PIXELS, translation.PIXELS))
    assert costs.keys() == module.networks.keys()
    assert all(each.multiply_adds for name, each in costs.items() if name != "projection")
