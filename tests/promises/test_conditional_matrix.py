"""Every conditioning with every network and every loss: refused with the list of what the network takes, or trained.

In the quick part every conditioning meets every network and every loss; every loss meets every network in
test_matrix. A file that joins conf/conditioning, conf/model or conf/loss joins the product.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import games
import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf
from recipes import CLASSES, GANS, LOSSES, choices, of_model, overridden, parts, text, trains
from torch.nn.utils.parametrize import ParametrizationList

from gan_lightning.config.instantiate import build
from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.games.rules import check
from gan_lightning.networks.base import OWN

MODELS = GANS
CONDITIONINGS = [name for name in choices("conditioning") if name != "none"]
PLAYERS = ("generator", "discriminator")


class Combination(NamedTuple):
    """Choices of one command line, ``conditioning=C model=M loss=L``."""

    conditioning: str
    model: str
    loss: str

    def __str__(self) -> str:
        return "-".join(self)


def takes(model: str, conditioning: str) -> bool:
    """Whether both networks of a model say that they take a conditioning."""
    wanted = text("conditioning", conditioning)
    networks = {player: get_class(of_model(model).model[player]._target_) for player in PLAYERS}
    return all(wanted[player] in (*networks[player].CONDITIONINGS, OWN) for player in PLAYERS)


PAIRS = [*product(CONDITIONINGS, MODELS)]
TAKEN = [pair for pair in PAIRS if takes(pair[1], pair[0])]
ALL = [Combination(*pair, loss) for pair, loss in product(TAKEN, LOSSES)]


def cover() -> list[Combination]:
    """Combinations in which each conditioning meets each network and each loss, with the networks in turn."""
    places = {name: [model for other, model in TAKEN if other == name] for name in CONDITIONINGS}
    return [
        Combination(name, places[name][turn % len(places[name])], LOSSES[turn % len(LOSSES)])
        for name in CONDITIONINGS
        for turn in range(max(len(LOSSES), len(places[name])))
    ]


COVER = cover()


def assembled(of: Combination) -> GAN:
    """The game that the command line builds, from parts that are composed only once."""
    config, recipe, wanted = of_model(of.model), text("loss", of.loss), text("conditioning", of.conditioning)
    config.discriminator_norm, config.conditioning = recipe["discriminator_norm"], wanted
    return games.game(
        *(build(OmegaConf.to_container(config.model[player], resolve=True)) for player in PLAYERS),
        loss=build(recipe["loss"]),
        penalties=parts("penalty", overridden(of.loss, "penalty")),
        constraints=parts("constraint", overridden(of.loss, "constraint")),
        discriminator_terms={name: build(term) for name, term in wanted["discriminator_terms"].items()},
        generator_terms={name: build(term) for name, term in wanted["generator_terms"].items()},
    )


def test_the_cover_has_all_pairs_with_a_conditioning() -> None:
    assert {(each.conditioning, each.model) for each in COVER} == set(TAKEN)
    assert {(each.conditioning, each.loss) for each in COVER} == set(product(CONDITIONINGS, LOSSES))


def test_most_networks_take_most_conditionings() -> None:
    assert len(TAKEN) > 0.6 * len(PAIRS)
    assert {model for _, model in TAKEN} == set(MODELS)


@pytest.mark.parametrize(("conditioning", "model"), [pair for pair in PAIRS if pair not in TAKEN])
def test_a_wrong_pairing_is_refused_with_the_list(conditioning: str, model: str) -> None:
    with pytest.raises(UserError, match=r"takes conditioning none.* or \w+, not '"):
        assembled(Combination(conditioning, model, LOSSES[0]))


def trains_unless_refused(module: GAN) -> None:
    """Check that a game trains, unless it has both weight clipping and spectral normalisation, which is refused."""
    if module.constraints and any(isinstance(part, ParametrizationList) for part in module.discriminator.modules()):
        with pytest.raises(UserError, match="weight_clip"):
            check(module, CLASSES)
        return
    check(module, CLASSES)
    trains(module)


@pytest.mark.parametrize("combination", COVER, ids=str)
def test_a_cover_trains(combination: Combination) -> None:
    trains_unless_refused(assembled(combination))


@pytest.mark.slow
@pytest.mark.parametrize("combination", [each for each in ALL if each not in COVER], ids=str)
def test_the_rest_trains(combination: Combination) -> None:
    trains_unless_refused(assembled(combination))
