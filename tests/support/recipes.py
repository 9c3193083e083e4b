"""The parts that conf/ names, built one by one, and tiny games that are made of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import games
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.compose import config_folder
from gan_lightning.config.instantiate import build
from gan_lightning.games.gan import GAN

CONF = Path(config_folder())
WIDTH, CLASSES = 8, 2
RESOLUTION = 28  # the smallest resolution that every network takes
FACTS = (
    "++data.channels=1",
    f"++data.resolution={RESOLUTION}",
    f"++data.num_classes={CLASSES}",
    "++run={folder:unused,attempt:0,resume_at:null}",
)


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


LOSSES = choices("loss")


@cache
def text(group: str, name: str) -> Any:
    """Contents of a yaml merged with those that it builds on, without any interpolation resolved."""
    node = OmegaConf.load(CONF / group / f"{name}.yaml")
    bases = []
    for base in node.get("defaults", []):
        if isinstance(base, str):  # a name in the same group, or /GROUP/NAME@WHERE
            path, _, where = base.partition("@")
            found = text(*path[1:].split("/")) if path.startswith("/") else text(group, path)
            bases.append({where: found} if where not in ("", "_here_") else found)
    return OmegaConf.to_container(OmegaConf.merge(*bases, node))


GANS = [name for name in choices("model") if "model" not in text("model", name)]
"""Models that draw images from latents; the yaml of one that translates images says more than its networks."""


def overridden(loss: str, group: str) -> list[str]:
    """Choices that the recipe of a loss makes in another group."""
    choice: dict[str, list[str]] = {
        key: value for entry in text("loss", loss)["defaults"] for key, value in entry.items()
    }
    return choice[f"override /{group}"]


def composed(*words: str) -> DictConfig:
    """The configuration of a command line, with both networks made ``WIDTH`` wide by whichever option they have."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [*words, *FACTS])
    for network in (config.model.generator, config.model.discriminator):
        for option, value in (("width", WIDTH), ("widths", [WIDTH])):
            if option in network:
                network[option] = value
    return config


@cache
def _composed_once(model: str) -> DictConfig:
    return composed(f"model={model}")


def of_model(model: str) -> DictConfig:
    """The configuration of a model, for the caller to change: composing takes longer than all the rest."""
    return _composed_once(model).copy()


@cache
def part(group: str, name: str) -> Any:
    """A penalty or a constraint, which games can share because they have no state."""
    return build(text(group, name)[name])


def parts(group: str, names: Iterable[str]) -> dict[str, Any]:
    return {name: part(group, name) for name in names}


def trains(module: GAN) -> None:
    """Train two steps, and check that every weight is finite and that both players have changed."""
    before = games.weights(module)
    games.fit(module, 2, batch_size=4, resolution=RESOLUTION)
    after = games.weights(module)
    assert all(value.isfinite().all() for value in after.values() if value.is_floating_point())
    for player in ("generator.", "discriminator."):
        assert any(not before[name].equal(after[name]) for name in before if name.startswith(player))
