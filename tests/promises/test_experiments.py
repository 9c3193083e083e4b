"""Every experiment of conf/experiment says what it should reach, is what it says, and trains in a short form.

A yaml that joins conf/experiment joins these tests.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from door import call, narrow
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.compose import config_folder

FOLDER = Path(config_folder(), "experiment")
EXPERIMENTS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
FROM_FILES = {
    "mnist": ("digits", ("data.channels=1",), 28),
    "cifar10": ("digits", ("data.channels=3",), 32),
    "cifar10_colours": ("colours", (), 32),
    "horses_deer": ("styles", ("data.channels_a=3", "data.channels_b=3"), 32),
    "pairs": ("edges", ("data.channels_a=3", "data.channels_b=3"), 256),
}
"""For data that need files, the digits that stand in, the options that give these the same channels, and the side."""
WIDTH = 4


@cache
def composed(*words: str) -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose("train", list(words), return_hydra_config=True)


def short(experiment: str) -> list[str]:
    """Words that make an experiment small: narrow networks, a small batch, one iteration, and data without files."""
    config = composed(f"experiment={experiment}")
    words = [*narrow(config.model, WIDTH), "data.batch_size=4", "trainer.max_steps=1", "callbacks.samples.count=2"]
    if (data := config.hydra.runtime.choices.data) in FROM_FILES:
        digits, channels, resolution = FROM_FILES[data]
        words += [f"data={digits}", *channels, f"data.resolution={config.data.resolution or resolution}"]
    return words


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_short_form_trains(experiment: str, tmp_path: Path) -> None:
    words = [f"experiment={experiment}", *short(experiment), "trainer.accelerator=cpu", "threads=1", "logger=[]"]
    answer = call(" ".join(words), tmp_path)
    assert answer.status == 0, answer.err
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["iteration"] == 1
    stored = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in stored["state_dict"].values() if value.is_floating_point())


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_its_first_lines_say_what_to_expect(experiment: str) -> None:
    """The head names the published number or says that there is none, and tells the budget and what was verified."""
    lines = (FOLDER / f"{experiment}.yaml").read_text().splitlines()
    head = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    assert head[0] == "# @package _global_"
    for words in ("Published", "Protocol and budget", "Verified here"):
        assert any(re.match(rf"# {words}: \S", line) for line in head), f"{experiment}.yaml does not say: {words}"


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_its_budget_is_its_own(experiment: str) -> None:
    """An experiment states its budget, because published results take longer than the default of four minutes.

    A game between two domains may need fewer images for that, because each costs several networks many operations.
    """
    config, usual = composed(f"experiment={experiment}"), composed()
    own = OmegaConf.load(FOLDER / f"{experiment}.yaml")
    if "channels_a" in config.data:
        assert own.get("default_kimg") or own.get("kimg") or OmegaConf.select(own, "trainer.max_epochs")
    else:
        assert (config.kimg or config.default_kimg) >= usual.default_kimg


def test_the_keras_tutorials_recipe() -> None:
    config = composed("experiment=keras_frogs")
    assert list(config.data.classes) == [6]
    assert config.data.batch_size == 20
    assert config.default_kimg * 1000 / config.data.batch_size == 10_000
    assert (config.optimizer.generator.lr, config.optimizer.discriminator.lr) == (4e-4, 8e-4)
    assert config.optimizer.clip.value == 1.0
    assert config.loss.label_noise == 0.05
    assert config.schedule.discriminator.lr.start == 8e-4
    assert config.schedule.generator.lr.decay == 1e-8
    horses = composed("experiment=keras_horses")
    assert list(horses.data.classes) == [7]
    for group in ("model", "loss", "optimizer", "schedule", "default_kimg"):
        assert horses[group] == config[group]


@pytest.mark.parametrize(
    ("experiment", "resolution", "batch_size"), [("vanilla_mnist", None, 100), ("dcgan_mnist", 64, 100)]
)
def test_the_tutorials_on_mnist(experiment: str, resolution: int | None, batch_size: int) -> None:
    config = composed(f"experiment={experiment}")
    assert (config.data.resolution, config.data.batch_size) == (resolution, batch_size)
    assert config.default_kimg == 200 * 60  # epochs of 60,000 images
    assert config.optimizer.generator.lr == config.optimizer.discriminator.lr == 2e-4
