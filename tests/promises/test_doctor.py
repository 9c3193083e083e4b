"""Provoked illnesses are named rightly, and healthy recipes raise no alarm: short trainings with real networks."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import games
import numpy as np
import pytest
from PIL import Image

OFTEN = (
    *("trainer.accelerator=cpu", "threads=1", "logger=[]", "trainer.enable_progress_bar=false"),
    *("trainer.log_every_n_steps=10", "callbacks.health.every_kimg=2"),
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def found(words: str, folder: Path) -> set[str]:
    """Names of the illnesses that are found in a run."""
    run, log = folder / "run", folder / "run.log"
    status = games.run(*OFTEN, *shlex.split(words), f"hydra.run.dir={run}", output=log, timeout=1100)
    assert status in (0, 2), log.read_text()  # 2: diverged
    file = run / "health.jsonl"
    return {json.loads(line)["name"] for line in file.read_text().splitlines()} if file.is_file() else set()


@pytest.fixture
def one_image(tmp_path: Path) -> Path:
    picture = np.zeros((28, 28), np.uint8)
    picture[6:22, 12:16] = 255
    (tmp_path / "one").mkdir()
    Image.fromarray(picture).save(tmp_path / "one" / "one.png")
    return tmp_path / "one"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("optimizer.discriminator.lr=0.1 trainer.max_steps=40", {"exploding_weights"}),
        ("optimizer.generator.lr=0 trainer.max_steps=60", {"standing_still", "discriminator_wins"}),
        ("model=mlp model.discriminator.widths=[1] trainer.max_steps=150", {"generator_wins"}),
        ("loss=minimax model=dcgan data=mnist data.data_dir={data_dir} trainer.max_steps=150", {"discriminator_wins"}),
        (
            "data=folder data.root={one} data.resolution=28 data.test_share=0 model=dcgan_quick data.batch_size=32 "
            "trainer.max_steps=30",
            {"too_few_images"},
        ),
        ("loss._target_=games.Poisoned trainer.max_steps=40", {"not_finite"}),
    ],
    ids=["D's rate 0.1", "G's rate 0", "D without capacity", "minimax on MNIST", "one image", "NaN"],
)
def test_a_provoked_illness_is_named(
    words: str, names: set[str], tmp_path: Path, one_image: Path, request: pytest.FixtureRequest
) -> None:
    data_dir = request.getfixturevalue("data_dir") if "{data_dir}" in words else ""
    assert found(words.format(one=one_image, data_dir=data_dir), tmp_path) == names


@pytest.mark.parametrize(
    "words",
    [
        "trainer.max_steps=200",
        "data=mnist data.data_dir={data_dir} trainer.max_steps=200",
        "data=toy trainer.max_steps=1000 callbacks.health.every_kimg=20",
        "model=dcgan trainer.max_steps=150",
        "model=dcgan loss=hinge trainer.max_steps=150",
        "model=dcgan loss=relativistic trainer.max_steps=150",
        "model=dcgan loss=wgan_gp trainer.max_steps=40",
        "model=r3gan loss=r3gan trainer.max_steps=60",
        "model=stylegan2 optimizer=stylegan2 trainer.max_steps=60",
        "experiment=pix2pix_edges kimg=5",
        "experiment=cyclegan_styles kimg=1 callbacks.health.every_kimg=0.2",
        "experiment=cut_styles kimg=1 callbacks.health.every_kimg=0.2",
    ],
)
def test_a_healthy_recipe_raises_no_alarm(words: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    data_dir = request.getfixturevalue("data_dir") if "{data_dir}" in words else ""
    assert found(words.format(data_dir=data_dir), tmp_path) == set()
