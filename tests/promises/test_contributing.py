"""CONTRIBUTING.md and docs/architecture.md: their examples train, and the files that they name are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from door import call, refused
from verbs import done

import gan_lightning
from gan_lightning.export.command import main as export

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "gan_lightning"
SMALL = "data.batch_size=8 trainer.accelerator=cpu threads=1 callbacks.samples.count=4 trainer.max_steps=2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with every example of the page, each under the name in its first line."""
    folder = tmp_path_factory.mktemp("user")
    for _, code in re.findall(r"```(python|yaml)\n(.*?)```", CONTRIBUTING, re.DOTALL):
        path = folder / code.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    (folder / "conf" / "loss").mkdir()
    hinge = (ROOT / "conf" / "loss" / "hinge.yaml").read_text()
    assert "gan_lightning.losses.Hinge" in hinge
    (folder / "conf" / "loss" / "squared.yaml").write_text(
        hinge.replace("gan_lightning.losses.Hinge", "squared.Squared")
    )
    return folder


@pytest.fixture(autouse=True)
def _importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)


def test_the_loss_trains(folder: Path, tmp_path: Path) -> None:
    answer = call(f"--config-dir {folder / 'conf'} loss=squared model.generator.width=4 {SMALL}", tmp_path / "run")
    assert answer.status == 0, answer.err


def test_the_game_trains_resumes_and_is_loaded(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer = call(f"--config-dir {folder / 'conf'} model=negative n_critic=2 penalty=[] {SMALL}", run)
    assert answer.status == 0, answer.err
    assert len(list((run / "samples").glob("*.png"))) == 3  # the real images, before training and at its end
    answer = call(f"resume={run} trainer.max_steps=3 allow=[negative]")
    assert answer.status == 0, answer.err
    generator = gan_lightning.load(run, allow=["negative"])
    assert generator(torch.zeros(2, 1, 5, 9)).shape == (2, 1, 5, 9)


def test_the_game_of_several_networks_on_pairs_does_all_of_it(folder: Path, tmp_path: Path) -> None:
    """It trains, resumes, and both of its generators are loaded and exported."""
    run = tmp_path / "run"
    answer = call(f"--config-dir {folder / 'conf'} model=both_ways data=stripes n_critic=2 penalty=[] {SMALL}", run)
    assert answer.status == 0, answer.err
    curves = {json.loads(line)["name"] for line in (run / "metrics.jsonl").read_text().splitlines()}
    assert curves >= {"loss/critic_a", "loss/critic_b", "loss/to_a", "loss/to_b", "logits/real_a", "logits/real_b"}
    assert "allow=[both_ways]" in refused(f"resume={run} trainer.max_steps=3")
    answer = call(f"resume={run} trainer.max_steps=3 'allow=[both_ways,stripes]'")
    assert answer.status == 0, answer.err
    assert gan_lightning.load(run, name="f", allow=["both_ways"])(torch.zeros(2, 1, 5, 9)).shape == (2, 1, 5, 9)
    done(export, f"{run} 'allow=[both_ways]' formats=[torch] to={tmp_path / 'export'}")


def test_the_tree_names_every_entry() -> None:
    """The line of each entry, or of several, begins with their names, those of folders with a slash."""
    tree = CONTRIBUTING.partition("src/gan_lightning/\n")[2].partition("tests/unit/")[0]
    written = [name for line in tree.splitlines() for name in re.split(r" {3,}", line.strip())[0].split()]
    there = [f"{p.name}/" if p.is_dir() else p.name.removesuffix(".py") for p in PACKAGE.iterdir()]
    assert sorted(written) == sorted(set(there) - {"__init__", "__pycache__/", "py.typed"})


@pytest.mark.parametrize("page", [CONTRIBUTING, ARCHITECTURE], ids=["CONTRIBUTING", "architecture"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|yaml))`", page))
    assert len(named) > 1
    places = (ROOT, PACKAGE, ROOT / "conf", ROOT / "tests")
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert missing == set()
