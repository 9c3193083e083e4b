"""Two processes train what one process trains, for every loss, every penalty and every recipe of conf/loss.

The networks have no batch norm and no dropout, because each process has its own statistics and masks for these
(docs/losses/README.md). Everything else is the same function of the global batch.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn
from two_ranks import RANKS, both_ranks, store_in

from gan_lightning.config.compose import config_folder
from gan_lightning.config.instantiate import build
from gan_lightning.losses import R1, R2, Dragan, GradientPenalty, Minimax, NonSaturating, RelativisticAverage, TopK
from gan_lightning.parallel.strategy import GANStrategy

pytestmark = pytest.mark.forks

STEPS, BATCH = 4, 16
TRICKS = {"label_smoothing": 0.1, "label_noise": 0.2, "label_flip": 0.2}


def recipe(name: str) -> dict[str, Any]:
    """Options that ``loss=NAME`` hands to a game."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("train", [f"loss={name}"])
    nodes = {"loss": config.loss, "penalties": config.penalty, "constraints": config.constraint}
    options = {key: build(OmegaConf.to_container(node)) for key, node in nodes.items()}
    return options | {"n_critic": config.n_critic}


RECIPES = sorted(path.stem for path in Path(config_folder(), "loss").glob("*.yaml"))
ALONE: dict[str, dict[str, Any]] = {
    **{
        repr(penalty): {"penalties": {"one": penalty}, "n_critic": 2}
        for penalty in (
            *(R1(), R1(interval=3), R2(gamma=1.0), Dragan(), Dragan(interval=2)),
            *(GradientPenalty(at=point) for point in ("interpolates", "real", "fake")),
            *(GradientPenalty(one_sided=True), GradientPenalty(center=0.0, interval=2)),
        )
    },
    "all penalties at once": {
        "loss": RelativisticAverage(),
        "penalties": {"r1": R1(), "r2": R2(), "gp": GradientPenalty(), "dragan": Dragan(interval=2)},
    },
    "noisy targets": {"loss": NonSaturating(**TRICKS)},
    "noisy targets, saturating": {"loss": Minimax(**TRICKS)},
    "the best of both processes": {"loss": TopK(RelativisticAverage(), fraction=0.3)},
}


def curved() -> games.Discriminator:
    """A discriminator whose slope differs from point to point, so that the points of a penalty matter."""
    network = games.Discriminator()
    network.layers[3] = nn.Tanh()
    with torch.no_grad():
        network.layers[1].weight.mul_(3)
    return network


def weights_after(options: dict[str, Any], **trainer: Any) -> dict[str, torch.Tensor]:
    """A game's weights after some iterations. SGD, because Adam blows up the rounding of a tiny gradient."""
    module = games.game(discriminator=curved(), optimizer=partial(torch.optim.SGD, lr=0.02), **options)
    games.fit(module, STEPS, batch_size=BATCH, **trainer)
    return games.weights(module)


@pytest.fixture(scope="module")
def everything() -> dict[str, dict[str, Any]]:
    return {name: recipe(name) for name in RECIPES} | ALONE


@pytest.fixture(scope="module")
def of_two(everything: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Weights of both ranks by game, after two processes have played all games one after the other."""
    folder = tmp_path_factory.mktemp("two")

    def play(rank: int) -> dict[str, Any]:
        weights = {}
        for number, (name, options) in enumerate(everything.items()):
            (folder / str(number)).mkdir(exist_ok=True)
            strategy = GANStrategy(store=store_in(folder / str(number)))
            weights[name] = weights_after(options, devices=RANKS, strategy=strategy)
        return weights

    return both_ranks(play, folder, timeout=250)


@pytest.mark.parametrize("name", [*RECIPES, *ALONE])
def test_two_processes_equal_one(name: str, everything: dict[str, Any], of_two: list[dict[str, Any]]) -> None:
    first, second = (weights[name] for weights in of_two)
    assert games.largest_difference(first, second) == 0.0
    alone = weights_after(everything[name])
    assert games.largest_difference(first, alone) < 1e-6
    assert games.largest_difference(alone, games.weights(games.game(discriminator=curved()))) > 1e-3, (
        "nothing has been trained"
    )
