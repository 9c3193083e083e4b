"""Every yaml of conf/hparams_search is a search whose space, objective and first trial can work."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.check import check_config
from gan_lightning.config.compose import config_folder
from gan_lightning.config.instantiate import build
from gan_lightning.search.objective import objectives
from gan_lightning.search.options import SearchOptions

pytest.importorskip("optuna", reason="needs Optuna: pip install 'gan-lightning[optuna]'")

EXAMPLES = sorted(path.stem for path in Path(config_folder(), "hparams_search").glob("*.yaml"))
EMBEDDED = {"digits", "edges", "colours", "styles"}
NEITHER = ("_target_", "_recursive_")


@cache
def composed(*words: str) -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose("train", list(words), return_hydra_config=True)


def test_every_embedded_set_of_images_has_one() -> None:
    assert set(EXAMPLES) == EMBEDDED


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_search(name: str) -> None:
    config = composed(f"hparams_search={name}")
    assert config.hydra.runtime.choices["hydra/sweeper"] == "optuna"
    assert config.hydra.runtime.choices.data == name
    node = {key: value for key, value in config.hydra.sweeper.items() if key not in NEITHER}
    options = SearchOptions.read(node)
    assert len(options.params) >= 3
    evaluator = build(OmegaConf.to_container(config.evaluator, resolve=True), "evaluator")
    (objective,) = objectives(options.objectives, evaluator)
    assert config.callbacks.quality.monitor == objective.name


@pytest.mark.parametrize("name", EXAMPLES)
def test_both_ends_of_each_option_can_be_trained(name: str) -> None:
    params = composed(f"hparams_search={name}").hydra.sweeper.params
    for key, written in params.items():
        (override,) = OverridesParser.create().parse_overrides([f"{key}={written}"])
        value = override.value()
        ends = [value.start, value.end] if hasattr(value, "start") else value.list
        for end in ends:
            config = composed(f"hparams_search={name}", f"{key}={end}").copy()
            OmegaConf.set_struct(config, False)
            del config["hydra"]
            check_config(config)
