"""Every network of conf/model under every conditioning: shapes at all resolutions, worked out on the meta device.

A new yaml in conf/model is tested without an edit here.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig
from recipes import GANS

from gan_lightning.config.compose import config_folder
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.types import Verdict

MODELS = GANS
RESOLUTIONS, CHANNELS, CLASSES, BATCH = (28, 32, 64, 128), (1, 3), 10, 4
ONCE = [(28, 1), (32, 3), (64, 1), (128, 3)]  # every resolution, with either number of channels


@cache
def composed(model: str) -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose("train", [f"model={model}"])


def made(model: str, player: str, **facts: Any) -> Generator | Discriminator:
    """The network of ``player`` with the options of its yaml, for data with the ``facts``."""
    network = instantiate(composed(model).model[player], num_classes=CLASSES, **facts)
    assert isinstance(network, Generator | Discriminator)
    return network


def conditionings(model: str, player: str) -> tuple[str, ...]:
    network = get_class(composed(model).model[player]._target_)
    assert issubclass(network, Generator | Discriminator)
    return network.CONDITIONINGS


def cover(model: str, player: str) -> list[tuple[str, tuple[int, int]]]:
    """Pairs of a conditioning and a shape in which each conditioning and each resolution occurs at least once."""
    names = conditionings(model, player)
    return [(names[i % len(names)], ONCE[i % len(ONCE)]) for i in range(max(len(names), len(ONCE)))]


def everything(model: str, player: str) -> list[tuple[str, tuple[int, int]]]:
    return list(product(conditionings(model, player), product(RESOLUTIONS, CHANNELS)))


def check_generator(model: str, conditioning: str, resolution: int, channels: int) -> None:
    with torch.device("meta"):
        network = made(model, "generator", conditioning=conditioning, resolution=resolution, channels=channels)
        images = network(torch.empty(BATCH, network.latent_dim), torch.zeros(BATCH, dtype=torch.long))
    assert images.shape == (BATCH, channels, resolution, resolution), conditioning
    assert network.num_classes == (0 if conditioning == "none" else CLASSES)


def check_discriminator(model: str, conditioning: str, resolution: int, channels: int) -> None:
    with torch.device("meta"):
        network = made(model, "discriminator", conditioning=conditioning, resolution=resolution, channels=channels)
        x = torch.empty(BATCH, channels, resolution, resolution)
        answer = network(x, torch.zeros(BATCH, dtype=torch.long))
    verdict = answer if isinstance(answer, Verdict) else Verdict(answer)
    assert verdict.logits.shape == (BATCH,), conditioning
    assert network.num_classes == (0 if conditioning == "none" else CLASSES)
    classes = None if verdict.classes is None else verdict.classes.shape
    assert classes == ((BATCH, CLASSES) if conditioning == "auxiliary" else None)


CHECKS = {"generator": check_generator, "discriminator": check_discriminator}


@pytest.mark.parametrize("player", CHECKS)
@pytest.mark.parametrize("model", MODELS)
def test_each_conditioning_and_resolution_once(model: str, player: str) -> None:
    """The meta device takes a tenth of a second for each network, so only a cover of all cases is tested every day."""
    for conditioning, shape in cover(model, player):
        CHECKS[player](model, conditioning, *shape)


@pytest.mark.slow
@pytest.mark.parametrize("player", CHECKS)
@pytest.mark.parametrize("model", MODELS)
def test_all_of_them(model: str, player: str) -> None:
    for conditioning, shape in everything(model, player):
        CHECKS[player](model, conditioning, *shape)


@pytest.mark.parametrize("model", MODELS)
def test_every_conditioning_has_a_pair_of_networks(model: str) -> None:
    """Every pair can be trained with conditioning=projection, which gives G its own way of taking labels."""
    assert "projection" in conditionings(model, "discriminator")
    assert {"concat", "batch_norm", "mapping"} & set(conditionings(model, "generator"))
