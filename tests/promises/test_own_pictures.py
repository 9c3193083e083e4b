"""The commands on the page for users with their own pictures run as they stand there, in the page's order."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from door import TINY, Answer, call, refused
from idx_files import write_idx
from PIL import Image

from gan_lightning.generate.command import main as generate

PAGE = (Path(__file__).parents[2] / "docs" / "own_pictures.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines() if "python " in line]


def draw(folder: Path, count: int) -> None:
    """Draw pictures of several sizes."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for i in range(count):
        pixels = random.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.{'jpg' if i % 2 else 'png'}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder of the user, with pictures/, pets/ of two classes, more_pictures/, images.npz and a data set."""
    draw(tmp_path / "pictures", 12)
    draw(tmp_path / "more_pictures", 9)
    for kind in ("cat", "dog"):
        draw(tmp_path / "pets" / kind, 8)
    np.savez(tmp_path / "images.npz", images=np.zeros((12, 16, 16, 3), dtype=np.uint8))
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"data/FashionMNIST/raw/{part}-images-idx3-ubyte", np.zeros((12, 28, 28), dtype=np.uint8))
        write_idx(tmp_path / f"data/FashionMNIST/raw/{part}-labels-idx1-ubyte", np.zeros(12, dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(words: str) -> Answer:
    answer = call(words)
    assert answer.status == 0, f"{words}: {answer.err}"
    return answer


def test_the_page_does_what_it_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(COMMANDS) == 14
    for command in COMMANDS:
        verb, *words = shlex.split(command)[1:]
        if verb == "train.py":
            resumed = any(word.startswith("resume=") for word in words)
            train(f"{shlex.join(words)} {'kimg=0.03' if resumed else f'{TINY} data.resolution=16 kimg=0.016'}")
        elif verb == "generate.py":
            monkeypatch.setattr(sys, "argv", [verb, *words])
            generate()
        else:
            pytest.fail(f"nobody knows how to try {command}")
    assert json.loads(Path("runs/flowers/summary.json").read_text())["iteration"] == 4  # after it was resumed
    assert list(Path("runs/flowers/generated").rglob("*.png"))


def test_a_run_remembers_where_its_pictures_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(f"data=folder data.root=pictures {TINY} data.resolution=8 kimg=0.016 hydra.run.dir=run")
    assert f"reading 12 pictures from {home / 'pictures'} at 8 x 8 pixels" in first.out
    assert f"images 3x8x8 from {home / 'pictures'}, " in first.out
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    again = train(f"resume={home / 'run'} kimg=0.024")
    assert "reading" not in again.out
    (home / "pictures").rename(home / "moved")
    said = refused(f"resume={home / 'run'} kimg=0.032")
    assert said == f"data.root={home / 'pictures'}: there is no such folder or zip"
    train(f"resume={home / 'run'} kimg=0.032 data.root=../moved")
    assert str(home / "moved") in (home / "run" / "resolved.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("data=folder", "data.root=... must say where the pictures are: a folder or a zip"),
        ("data=folder data.root=picturs", "there is no such folder or zip"),
        ("data=folder data.root=pictures data.background=red", "white or black is needed"),
        ("data=folder data.root=pictures conditioning=projection", "needs labels, and the data have none"),
    ],
)
def test_a_mistake_is_one_line(words: str, message: str, home: Path) -> None:
    assert message in refused(f"{TINY} {words} kimg=0.008")
    assert not list((home / "runs").rglob("resolved.yaml"))
