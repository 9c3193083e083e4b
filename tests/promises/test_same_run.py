"""A run that goes on is the run that it was: trained with the same options, on the same classes and the same data."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import verbs
from door import Answer, call, refused, train
from omegaconf import OmegaConf
from PIL import Image

from gan_lightning.evaluate.command import main as evaluate
from gan_lightning.export.command import main as export
from gan_lightning.generate.command import main as generate

OF_PICTURES = "data=folder data.resolution=16 data.test_share=0.2 model=dcgan conditioning=projection kimg=0.016"
CHANGED = "the training data are not those that this run has seen so far"


def draw(folder: Path, count: int = 8) -> None:
    """Draw pictures of several sizes, the same for the same name of the folder."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(len(folder.name))
    for i in range(count):
        Image.fromarray(random.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)).save(folder / f"{i}.png")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Pictures in two classes, cats and dogs, on which a conditional run has been trained."""
    for kind in ("cat", "dog"):
        draw(tmp_path / "pets" / kind)
    train(f"{OF_PICTURES} data.root={tmp_path / 'pets'}", tmp_path / "run")
    return tmp_path / "pets"


def resume(run: Path, words: str = "kimg=0.032") -> Answer:
    answer = call(f"resume={run} {words}")
    assert answer.status == 0, answer.err
    return answer


def test_a_renamed_class_is_refused_and_the_run_keeps_its_own_names(pets: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (pets / "dog").rename(pets / "bird")  # "bird" comes before "cat": the labels would be swapped
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    said = refused(f"resume={run} kimg=0.032")
    assert said.startswith("Of this run the classes were cat, dog; now there are bird, cat.")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
    verbs.done(generate, f"{run} classes=[dog] count=2 device=cpu threads=1 to={tmp_path / 'dogs'}")
    assert json.loads((tmp_path / "dogs" / "generated.json").read_text())["classes"] == [1]
    said = verbs.refused(generate, f"{run} classes=[bird] count=2 device=cpu threads=1 to={tmp_path / 'birds'}")
    assert "has the classes 0 (cat), 1 (dog)" in said
    said = verbs.refused(evaluate, f"{run} n_fake=8 metrics=[kid] batch_size=8 device=cpu threads=1")
    assert said.startswith("Of this run the classes were cat, dog; now there are bird, cat.")
    shutil.rmtree(pets)
    verbs.done(export, f"{run} to={tmp_path / 'exported'} formats=[]")
    assert json.loads((tmp_path / "exported" / "config.json").read_text())["class_names"] == ["cat", "dog"]
    assert "labels 0 to 1 (cat, dog)" in (tmp_path / "exported" / "README.md").read_text()
    verbs.done(generate, f"{tmp_path / 'exported'} classes=[dog] count=2 device=cpu to={tmp_path / 'again'}")
    assert json.loads((tmp_path / "again" / "generated.json").read_text())["classes"] == [1]


def test_an_added_class_is_refused(pets: Path, tmp_path: Path) -> None:
    draw(pets / "eel")
    said = refused(f"resume={tmp_path / 'run'} kimg=0.032")
    assert said.startswith("Of this run the classes were cat, dog; now there are cat, dog, eel.")


def test_deleted_pictures_are_said_or_refused_and_said_once(pets: Path, tmp_path: Path) -> None:
    for i in range(2):
        (pets / "cat" / f"{i}.png").unlink()
    said = refused(f"resume={tmp_path / 'run'} kimg=0.032 changed_data=refuse")
    assert said.startswith(f"changed_data=refuse: {CHANGED}")
    assert f"warning: {CHANGED}" in resume(tmp_path / "run").out
    assert CHANGED not in resume(tmp_path / "run", "kimg=0.048").out


def test_the_same_pictures_elsewhere_are_the_same(pets: Path, tmp_path: Path) -> None:
    """Neither their place counts, nor the folder that a zip has around them, nor when they were written."""
    archive = tmp_path / "far" / "archive.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        for picture in sorted(pets.rglob("*.png")):
            file.write(picture, f"my pets/{picture.relative_to(pets)}")
    first = json.loads((tmp_path / "run" / "summary.json").read_text())
    shutil.rmtree(pets)
    assert CHANGED not in resume(tmp_path / "run", f"kimg=0.032 changed_data=refuse data.root={archive}").out
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["iteration"] == 2 * first["iteration"]


@pytest.mark.parametrize(
    ("option", "value", "was"),
    [
        ("seed", 7, 0),
        ("n_critic", 2, 1),
        ("data.batch_size", 16, 8),
        ("data.seed", 5, 0),
        ("model.generator.width", 8, 4),
        ("loss.label_smoothing", 0.5, 0.0),
    ],
)
def test_an_edited_configuration_is_no_other_run(option: str, value: float, was: float, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train("kimg=0.016", run)
    stored = OmegaConf.load(run / "config.yaml")
    OmegaConf.update(stored, option, value)
    OmegaConf.save(stored, run / "config.yaml")
    said = refused(f"resume={run} kimg=0.032")
    assert said.startswith(f"{option}={value} now, but {run / 'checkpoints' / 'last.ckpt'} was trained with")
    assert f" {option}={was}: put that back" in said


def test_options_that_may_change_still_do(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train("schedule=linear_decay penalty=r1 discriminator_norm=layer augment=[diffaugment] kimg=0.016", run)
    answer = resume(run, "kimg=0.064 optimizer.lr=1e-5 threads=1 changed_data=refuse")
    assert "warning" not in answer.out


def test_a_repeat_on_other_data_says_so(pets: Path, tmp_path: Path) -> None:
    (pets / "cat" / "0.png").unlink()
    answer = call(f"rerun={tmp_path / 'run'}", tmp_path / "again")
    assert answer.status == 1, answer.err
    assert "the training data were others" in answer.out


def test_an_unknown_way_to_treat_changed_data(tmp_path: Path) -> None:
    assert refused("changed_data=ask", tmp_path / "run") == "changed_data=ask: choose say or refuse."
    assert not (tmp_path / "run").exists()
