"""Every loss with every penalty and every network: refused with a reason before the first step, or trained.

The rules are asked about the whole product, and a part of it in which every pair occurs trains two steps;
``make matrix`` trains the rest too. A file that joins conf/loss, conf/penalty or conf/model joins the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import games
import pytest
from omegaconf import OmegaConf
from recipes import (
    CLASSES,
    GANS,
    LOSSES,
    choices,
    composed,
    of_model,
    overridden,
    parts,
    text,
    trains,
)

from gan_lightning.config.instantiate import build
from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.games.rules import check
from gan_lightning.train.build import build_module

PENALTIES = [(), *((name,) for name in choices("penalty")), ("r1", "r2")]
MODELS = [name for name in GANS if name != "toy"]  # toy takes points: test_toy_games.py


class Combination(NamedTuple):
    """Choices of one command line, ``loss=L penalty=[P] model=M``."""

    loss: str
    penalty: tuple[str, ...]
    model: str

    def __str__(self) -> str:
        return f"{self.loss}-{'+'.join(self.penalty) or 'none'}-{self.model}"


ALL = [Combination(*choice) for choice in product(LOSSES, PENALTIES, MODELS)]

# ------------------------------------------------------------ what is expected, from the yamls' texts and the papers


def batch_norm(of: Combination) -> bool:
    """Whether D has batch norm because the network leaves its norm to the recipe and the recipe takes batch norm."""
    follows = text("model", of.model)["discriminator"].get("norm") == "${discriminator_norm}"
    return follows and text("loss", of.loss)["discriminator_norm"] == "batch"


def spectral_norm(of: Combination) -> bool:
    return bool(text("model", of.model)["discriminator"].get("spectral_norm", False))


def expected_errors(of: Combination) -> list[str]:
    """Beginnings of the messages with which a combination must be refused."""
    coupled = [f"penalty.{name}" for name in of.penalty if name != "dragan" and batch_norm(of)]
    meaningless = "weight_clip" in overridden(of.loss, "constraint") and spectral_norm(of)
    return coupled + ["constraint.weight_clip"] * meaningless


def expected_warnings(of: Combination) -> list[str]:
    clips = "weight_clip" in overridden(of.loss, "constraint")
    wasserstein = text("loss", of.loss)["loss"]["_target_"].endswith(".Wasserstein")
    unbounded = wasserstein and not (clips or of.penalty or spectral_norm(of))
    coupled = "dragan" in of.penalty and batch_norm(of)
    twice = clips and "gradient_penalty" in of.penalty
    return (
        ["the Wasserstein loss has no minimum"] * unbounded
        + ["penalty.dragan is per sample"] * coupled
        + ["penalty.gradient_penalty was proposed instead of weight clipping"] * twice
    )


ACCEPTED = [each for each in ALL if not expected_errors(each)]
REFUSED = [each for each in ALL if expected_errors(each)]


# ------------------------------------------------------------------------------------------------ building them


def assembled(of: Combination) -> GAN:
    """The game that the command line builds, without composing it, which would take longer than everything else."""
    config, recipe = of_model(of.model), text("loss", of.loss)
    config.discriminator_norm = recipe["discriminator_norm"]
    return games.game(
        build(OmegaConf.to_container(config.model.generator, resolve=True)),
        build(OmegaConf.to_container(config.model.discriminator, resolve=True)),
        loss=build(recipe["loss"]),
        penalties=parts("penalty", of.penalty),
        constraints=parts("constraint", overridden(of.loss, "constraint")),
        n_critic=min(recipe["n_critic"], 2),  # more updates of D would test nothing else
    )


# ------------------------------------------------------------------------------------------------ the whole product


def said(module: GAN) -> tuple[list[str], list[str]]:
    """The errors and the warnings that the rules give for a combination."""
    try:
        return [], check(module, CLASSES)
    except UserError as refusal:
        return str(refusal).splitlines(), []


@pytest.mark.parametrize("model", MODELS)
def test_the_rules_on_all_combinations(model: str) -> None:
    for loss in LOSSES:
        module = assembled(Combination(loss, (), model))
        for penalty in PENALTIES:
            module.penalties = parts("penalty", penalty)
            of = Combination(loss, penalty, model)
            errors = expected_errors(of)
            expected = errors, [] if errors else expected_warnings(of)
            for messages, beginnings in zip(said(module), expected, strict=True):
                assert len(messages) == len(beginnings), f"{of}: {messages}"
                for message, beginning in zip(messages, beginnings, strict=True):
                    assert message.startswith(beginning), f"{of}: {message}"


def test_some_of_them_by_hand() -> None:
    refused = {str(each) for each in REFUSED}
    assert {"non_saturating-r1-dcgan", "least_squares-r1+r2-dcgan", "top_k-gradient_penalty-dcgan"} <= refused
    assert not {"hinge-r1-dcgan", "wgan_gp-gradient_penalty-dcgan", "minimax-dragan-dcgan"} & refused
    assert not {str(each) for each in REFUSED if each.model == "mlp"}


@pytest.mark.slow
@pytest.mark.parametrize("combination", ALL, ids=str)
def test_all_combinations(combination: Combination) -> None:
    """All combinations train from the words of a command line, for ``make matrix``."""
    loss, penalty, model = combination
    config = composed(f"loss={loss}", f"penalty=[{','.join(penalty)}]", f"model={model}")
    module = build_module(OmegaConf.to_container(config, resolve=True))
    if expected_errors(combination):
        with pytest.raises(UserError):
            check(module, CLASSES)
    else:
        check(module, CLASSES)
        trains(module)


# ------------------------------------------------------------------------------------------- a part of it, quickly


def pairs(of: Sequence[Any]) -> set[tuple[tuple[int, Any], ...]]:
    """All pairs of a combination's values, each value with its place."""
    return set(combinations(enumerate(of), 2))


def pairwise_cover(candidates: Iterable[Sequence[Any]]) -> list[Any]:
    """Few of the candidates that contain every pair of any candidate, found by taking the one with most new pairs."""
    pairs_of = {candidate: pairs(candidate) for candidate in candidates}
    missing = set().union(*pairs_of.values())
    cover = []
    while missing:
        best = max(pairs_of, key=lambda candidate: len(pairs_of[candidate] & missing))
        cover.append(best)
        missing -= pairs_of[best]
    return cover


COVER: list[Combination] = pairwise_cover(ACCEPTED)


def test_a_cover_of_a_small_product() -> None:
    cubes = list(product(range(3), repeat=3))
    cover = pairwise_cover(cubes)
    for first, second in combinations(range(3), 2):
        assert {(cube[first], cube[second]) for cube in cover} == set(product(range(3), repeat=2))
    assert 9 <= len(cover) < 15
    assert pairwise_cover([(0, 0), (0, 1), (0, 1)]) == [(0, 0), (0, 1)]


def test_every_pair_that_is_allowed_is_covered() -> None:
    assert {(each.loss, each.penalty) for each in COVER} == set(product(LOSSES, PENALTIES))
    for one, other in (("loss", "model"), ("penalty", "model")):
        allowed = {(getattr(each, one), getattr(each, other)) for each in ACCEPTED}
        assert {(getattr(each, one), getattr(each, other)) for each in COVER} == allowed
        assert {model for _, model in allowed} == set(MODELS)
    assert len(COVER) < len(ALL)


@pytest.mark.parametrize("combination", COVER, ids=str)
def test_a_cover_of_all_pairs_trains(combination: Combination) -> None:
    module = assembled(combination)
    check(module, CLASSES)
    trains(module)
