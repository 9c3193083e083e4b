"""What does not go together is refused before the first step, and every recipe goes together with every network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from recipes import GANS
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lightning.augment import Adaptive, DiffAugment
from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.games.image_pool import ImagePool
from gan_lightning.games.rules import check
from gan_lightning.games.schedules import Constant
from gan_lightning.losses import (
    R1,
    R2,
    AuxiliaryGenerator,
    AuxiliaryReal,
    Dragan,
    GradientPenalty,
    LeastSquares,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    TopK,
    Wasserstein,
    WeightClip,
)
from gan_lightning.networks import DCGANDiscriminator, MLPDiscriminator
from gan_lightning.train.build import build_module
from gan_lightning.types import Penalty

CONF = Path(__file__).resolve().parents[3] / "conf"
RECIPES = sorted(path.stem for path in (CONF / "loss").glob("*.yaml"))
FACTS = [
    "++data.channels=1",
    "++data.resolution=28",
    "++data.num_classes=10",
    "++run={folder:unused,attempt:0,resume_at:null}",
]
PENALTIES: dict[str, Penalty] = {
    "gradient_penalty": GradientPenalty(),
    "at_real": GradientPenalty(center=0.0, at="real"),
    "r1": R1(),
    "r2": R2(),
    "dragan": Dragan(),
}
NETWORKS = {
    f"{kind.__name__}, {norm}": partial(kind, channels=1, resolution=16, norm=norm)
    for kind in (DCGANDiscriminator, MLPDiscriminator)
    for norm in ("batch", "layer", "none")
}


def composed(*words: str) -> Mapping[str, Any]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [*words, *FACTS])
    resolved = OmegaConf.to_container(config, resolve=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


@pytest.mark.parametrize("model", ["dcgan", "mlp"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_works_by_itself(recipe: str, model: str) -> None:
    assert check(build_module(composed(f"loss={recipe}", f"model={model}")), num_classes=10) == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_says_which_norm_it_needs(recipe: str) -> None:
    text = (CONF / "loss" / f"{recipe}.yaml").read_text()
    assert "\ndiscriminator_norm: " in text, "or a swap of recipes would leave the other's"


def test_the_norm_of_a_recipe_can_be_overridden_and_is_then_refused() -> None:
    config = composed("loss=wgan_gp", "model.discriminator.norm=batch")
    with pytest.raises(UserError, match=r"penalty.gradient_penalty.*sec. 4.*model.discriminator.norm=layer"):
        check(build_module(config), num_classes=10)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_each_penalty_with_each_network(penalty: str, network: str) -> None:
    module = games.game(discriminator=NETWORKS[network](), penalties={penalty: PENALTIES[penalty]})
    if "batch" not in network:
        assert check(module, 0) == []
    elif penalty == "dragan":
        (warning,) = check(module, 0)
        assert "penalty.dragan" in warning
    else:
        with pytest.raises(UserError, match=f"penalty.{penalty}.*batch norm"):
            check(module, 0)


def with_spectral_norm(old: bool = False) -> nn.Module:
    network = games.Discriminator()
    if old:
        nn.utils.spectral_norm(network.layers[1])
    else:
        spectral_norm(network.layers[1])
    return network


def with_sigmoid() -> nn.Module:
    network = games.Discriminator()
    network.layers.insert(len(network.layers) - 1, nn.Sigmoid())
    return network


def compiled() -> nn.Module:
    network = games.Discriminator()
    network.compile()
    return network


def conditional(player: type[nn.Module], classes: int) -> nn.Module:
    network = player()
    network.num_classes = classes
    return network


def with_class_head() -> nn.Module:
    return MLPDiscriminator(channels=1, resolution=8, num_classes=3, conditioning="auxiliary", widths=[4])


GENERATOR, DISCRIMINATOR = games.Generator, games.Discriminator
ADAPTIVE = {"ada": Adaptive(DiffAugment())}
CLASS_OF_FAKES = {"class_generator": AuxiliaryGenerator()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discriminator": compiled(), "penalties": {"mine": Dragan()}}, "penalty.mine.*torch.compile"),
        ({"discriminator": with_spectral_norm(), "constraints": {"c": WeightClip()}}, "singular value"),
        ({"discriminator": with_spectral_norm(old=True), "constraints": {"c": WeightClip()}}, "singular value"),
        ({"discriminator": with_sigmoid()}, "ends in a Sigmoid.*logits"),
        ({"generator": conditional(GENERATOR, 10), "image_pool": ImagePool(3)}, "image_pool.updates=3.*labels"),
        ({"generator": conditional(GENERATOR, 10)}, "generator.num_classes=10.*no labels"),
        ({"discriminator": conditional(DISCRIMINATOR, 3)}, "discriminator.num_classes=3.*no labels"),
        ({"discriminator": conditional(DISCRIMINATOR, 3)}, "D takes labels and G does not.*conditioning.generator=own"),
        ({"generator": conditional(GENERATOR, 3)}, "G takes labels and D does not.*conditioning.discriminator=concat"),
        ({"discriminator": with_class_head()}, "class logits need a term.*conditioning=auxiliary"),
        ({"discriminator": with_class_head(), "generator_terms": CLASS_OF_FAKES}, "class logits need a term"),
        ({"loss": Wasserstein(), "augment": ADAPTIVE}, r"augment\.ada .* Wasserstein has no border.*loss=relativistic"),
        ({"loss": TopK(Wasserstein()), "augment": ADAPTIVE}, r"augment\.ada .* Wasserstein has no border"),
        ({"schedules": {"nothing": Constant(1.0)}}, "'nothing'"),
        ({"optimizer": partial(torch.optim.Adam, lr=-1.0)}, "optimizer.generator.*-1.0"),
    ],
)
def test_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(games.game(**options), num_classes=0)


def test_a_compiled_copy_is_seen_too() -> None:
    module = games.game(penalties={"r1": R1()})
    module.discriminator = torch.compile(module.discriminator)
    with pytest.raises(UserError, match=r"penalty.r1.*torch.compile"):
        check(module, 0)


def test_all_errors_are_said_at_once() -> None:
    module = games.game(discriminator=NETWORKS["MLPDiscriminator, batch"](), penalties={"a": R1(), "b": R2()})
    with pytest.raises(UserError, match=r"(?s)penalty\.a .*penalty\.b "):
        check(module, 0)


def test_labels_that_are_there_are_enough() -> None:
    both = {"generator": conditional(GENERATOR, 10), "discriminator": conditional(DISCRIMINATOR, 10)}
    assert check(games.game(**both), num_classes=10) == []
    taught = {"generator": conditional(GENERATOR, 10), "generator_terms": CLASS_OF_FAKES}
    assert check(games.game(**taught), num_classes=10) == []
    classified = {"discriminator": with_class_head(), "discriminator_terms": {"class_real": AuxiliaryReal()}}
    assert check(games.game(**taught, **classified), num_classes=3) == []
    with pytest.raises(UserError, match=r"num_classes=3.*10 classes"):
        check(games.game(generator=conditional(GENERATOR, 3)), num_classes=10)


MODELS = GANS
LINEAR = {"toy", "r3gan", "stylegan2"}
"""Generators whose output nothing bounds."""


@pytest.mark.parametrize("model", MODELS)
def test_no_tanh_reaches_beyond_one(model: str) -> None:
    module = build_module(composed(f"model={model}"))
    assert check(module, num_classes=10, largest=1.0005) == []
    if model in LINEAR:
        assert check(module, num_classes=10, largest=2.08) == []
    else:
        with pytest.raises(UserError, match=r"Generator ends in a Tanh .* \[-1, 1\], but the data reach 2\.08\."):
            check(module, num_classes=10, largest=2.08)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": Wasserstein()}, "no minimum unless D is Lipschitz"),
        ({"loss": TopK(Wasserstein())}, "no minimum unless D is Lipschitz"),
        (
            {"loss": Wasserstein(), "penalties": {"gp": GradientPenalty()}, "constraints": {"c": WeightClip()}},
            "penalty.gp was proposed instead of weight clipping",
        ),
        ({"penalties": {"a": R1(1.0), "b": R1(2.0)}}, "2 penalties of the kind R1"),
        ({"penalties": {"a": GradientPenalty(), "b": GradientPenalty()}}, "GradientPenalty at interpolates"),
    ],
)
def test_warnings(options: dict[str, Any], message: str) -> None:
    (warning,) = check(games.game(**options), num_classes=0)
    assert re.search(message, warning)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": Wasserstein(), "constraints": {"c": WeightClip()}},
        {"loss": Wasserstein(), "discriminator": with_spectral_norm()},
        {"penalties": {"a": R1(), "b": R2()}},
        {"penalties": {"a": GradientPenalty(at="real"), "b": GradientPenalty(at="fake")}},
        {"loss": NonSaturating(), "augment": ADAPTIVE},
        {"loss": LeastSquares(), "augment": ADAPTIVE},
        {"loss": Relativistic(), "augment": ADAPTIVE},
        {"loss": TopK(RelativisticAverage()), "augment": ADAPTIVE},
        {"discriminator": compiled()},
        {"image_pool": ImagePool(2)},
    ],
)
def test_what_goes_together_is_not_warned_of(options: dict[str, Any]) -> None:
    assert check(games.game(**options), num_classes=0) == []


def test_a_sigmoid_elsewhere_is_no_mistake() -> None:
    network = games.Discriminator()
    network.layers.insert(2, nn.Sigmoid())
    assert check(games.game(discriminator=network), num_classes=0) == []


def test_checking_changes_nothing() -> None:
    def trained(first: bool) -> GAN:
        module = games.game()
        if first:
            check(module, 0)
        games.fit(module, 2)
        return module

    assert games.largest_difference(games.weights(trained(True)), games.weights(trained(False))) == 0.0


# ------------------------------------------------------------------------- yamls of augment, prior and schedule


@pytest.mark.parametrize(
    "words",
    [
        ["prior=uniform"],
        ["prior=truncated_normal"],
        ["augment=[diffaugment,instance_noise]"],
        ["augment=adaptive"],
        ["schedule=linear_decay", "kimg=10"],
        ["schedule=noise_decay", "augment=instance_noise", "kimg=10"],
        ["schedule=top_k", "loss=top_k", "kimg=10"],
        ["schedule=[r3gan,augment_ramp]", "loss=r3gan", "augment=diffaugment", "optimizer.betas=[0.0,0.9]"],
        ["+schedule.generator.lr={_target_:gan_lightning.games.schedules.Linear,start:2e-4,end:0.0,kimg:100}"],
        ["model.image_pool.updates=3"],
    ],
    ids=lambda words: words[0],
)
def test_each_choice_composes_and_builds(words: list[str]) -> None:
    assert check(build_module(composed(*words)), num_classes=10) == []


def test_r3gans_schedules_have_the_published_numbers() -> None:
    module = build_module(composed("schedule=r3gan", "loss=r3gan"))
    check(module, 10)
    module.schedules.apply(0)
    assert module.schedules.values == pytest.approx(
        {
            "generator.lr": 2e-4,
            "generator.beta2": 0.9,
            "discriminator.lr": 2e-4,
            "discriminator.beta2": 0.9,
            "penalty.r1.gamma": 0.05,
            "penalty.r2.gamma": 0.05,
            "ema.half_life_kimg": 0.0,
        }
    )
    module.schedules.apply(20_000_000)
    assert (module.penalties["r1"].gamma, module.penalties["r2"].gamma) == pytest.approx((0.005, 0.005))
    assert module.average.half_life_kimg == pytest.approx(5000.0)
    assert module.schedules.values["generator.lr"] == pytest.approx(5e-5)
