"""The pages of the networks: each model has one, and the table of costs says what the code counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from recipes import GANS

from gan_lightning.config.compose import config_folder
from gan_lightning.config.instantiate import build
from gan_lightning.networks.costs import cost

CONF = Path(config_folder())
PAGES = Path(__file__).parents[3] / "docs" / "networks"
MODELS = [name for name in GANS if name != "toy"]
ROW = re.compile(r"\| (?:`(\w+)`)? ?\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,.]+) M \| ([\d,.]+) M \|")


def rows() -> Iterator[tuple[str, int, list[str]]]:
    """The model, side in pixels and four numbers of each row; a row without a model belongs to the model above it."""
    model = ""
    for name, side, *numbers in ROW.findall((PAGES / "README.md").read_text()):
        model = name or model
        yield model, int(side), numbers


@pytest.mark.parametrize("model", MODELS)
def test_the_costs_of_the_index(model: str) -> None:
    written = {side: numbers for name, side, numbers in rows() if name == model}
    assert set(written) == {32, 64}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"model={model}", "++data.channels=3", "++data.num_classes=0"])
    for side, numbers in written.items():
        config.data.resolution = side
        nodes = OmegaConf.to_container(config, resolve=True)["model"]
        with torch.device("meta"):
            generator, discriminator = build(nodes["generator"]), build(nodes["discriminator"])
        counted = [cost(generator, (generator.latent_dim,)), cost(discriminator, (3, side, side))]
        work = [f"{each.multiply_adds / 1e6:,.1f}" for each in counted if each.multiply_adds is not None]
        assert numbers == [*(f"{each.parameters:,}" for each in counted), *work]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_page_in_the_index(model: str) -> None:
    assert f"model={model}" in (PAGES / f"{model}.md").read_text()
    assert f"[`{model}`]({model}.md)" in (PAGES / "README.md").read_text()
