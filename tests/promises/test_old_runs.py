"""Run folders and an export made before files, options and classes were moved or renamed: everything still works."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import verbs
from door import call

import gan_lightning
from gan_lightning.compare.command import main as compare
from gan_lightning.evaluate.command import main as evaluate
from gan_lightning.export.command import main as export
from gan_lightning.generate.command import main as generate
from gan_lightning.runs.loading import stored_at
from gan_lightning.runs.records import read_records

OLD = Path(__file__).resolve().parents[1] / "support" / "old_runs"
EXPECTED = json.loads((OLD / "expected.json").read_text())
"""Numbers that the code which made a run logged when it resumed the run, by the run and by "iteration name"."""
RUNS = list(EXPECTED)
OF_IMAGES = [name for name in RUNS if name != "points"]
FEW = "n_fake=40 metrics=[fid] batch_size=20 threads=1"
"""Options with which evaluate.py measures as the run named dcgan measured itself."""
OF_THE_CLOCK = re.compile(r"seconds|_per_")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with copies of all old runs."""
    return shutil.copytree(OLD, tmp_path / "old")


def numbers(folder: Path, first: int = 0) -> dict[str, float]:
    """Numbers except times that a run has logged from iteration ``first`` on, by "iteration name"."""
    records = read_records(folder / "metrics.jsonl")
    return {
        f"{record['iteration']} {record['name']}": record["value"]
        for record in records
        if record["iteration"] >= first and not OF_THE_CLOCK.search(record["name"])
    }


def assert_same(found: dict[str, float], expected: dict[str, float]) -> None:
    """Check that numbers agree to 1e-5, or to 1e-4 if they are measured on the moving average.

    After these runs were made, the ramp at the start of the average was corrected to count the images before an
    iteration and not those after it. This changes an average over few iterations, and nothing that is trained.
    """
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        rounding = 1e-6 if " logits/" in name else 0.0  # means of numbers around 1, which may cancel to almost 0
        assert found[name] == pytest.approx(value, rel=1e-4 if "/averaged/" in name else 1e-5, abs=rounding), name


@pytest.mark.parametrize("name", RUNS)
def test_it_is_resumed_with_the_numbers_of_the_code_that_made_it(name: str, old: Path) -> None:
    answer = call(f"resume={old / name} trainer.max_steps=6")
    assert answer.status == 0, answer.err
    assert_same(numbers(old / name, first=5), EXPECTED[name])
    assert not (old / name / "attempts" / "2").exists()


@pytest.mark.parametrize("name", RUNS)
def test_it_is_repeated_with_the_same_numbers(name: str, old: Path, tmp_path: Path) -> None:
    answer = call(f"rerun={old / name}", tmp_path / "again")
    assert "values" in answer.out, answer.err  # equal to the last bit only on the machine of that run
    assert_same(numbers(tmp_path / "again"), numbers(old / name))


@pytest.mark.parametrize("name", RUNS)
def test_it_is_loaded_and_drawn_from(name: str, old: Path, tmp_path: Path) -> None:
    generator = gan_lightning.load(old / name)
    assert type(stored_at(old / name).trained().prior).__module__ == "gan_lightning.games.priors"
    assert generator.latent_dim > 0
    if name in OF_IMAGES:
        verbs.done(generate, f"{old / name} seeds=0-3 threads=1 to={tmp_path / 'images'}")
        assert len(list((tmp_path / "images").rglob("*.png"))) >= 4


@pytest.mark.parametrize("name", OF_IMAGES)
def test_it_is_exported(name: str, old: Path, tmp_path: Path) -> None:
    verbs.done(export, f"{old / name} to={tmp_path / 'export'} formats=[]")
    assert stored_at(tmp_path / "export").trained().sha256() == stored_at(old / name).trained().sha256()


@pytest.mark.parametrize("name", RUNS)
def test_it_is_evaluated(name: str, old: Path) -> None:
    options = "n_fake=100 threads=1" if name == "points" else f"{FEW} weights=averaged"
    verbs.done(evaluate, f"{old / name} {options}")
    found = read_records(old / name / "evaluations.jsonl")
    assert {record["name"] for record in found} == ({"modes", "high_quality_share"} if name == "points" else {"fid"})


def test_the_numbers_are_those_that_it_measured_itself(old: Path) -> None:
    """The protocol is the same, so that numbers from before and after the move may stand in one table."""
    verbs.done(evaluate, f"{old / 'dcgan'} {FEW} weights=raw")
    value = read_records(old / "dcgan" / "evaluations.jsonl")[0]["value"]
    assert value == pytest.approx(numbers(old / "dcgan")["4 quality/raw/fid"], rel=1e-5)


def test_it_is_compared_with_a_run_of_today(old: Path, tmp_path: Path) -> None:
    call(f"rerun={old / 'dcgan'}", tmp_path / "again")
    line = verbs.done(compare, f"{old / 'dcgan'} {tmp_path / 'again'}")
    assert "seed 3 of this recipe was run again" in line  # so it is one recipe, by one protocol
    both = verbs.done(compare, f"{old / 'dcgan'} {old / 'mlp'}")
    assert "averaged/fid was not measured" in both


def test_the_export_is_loaded_evaluated_and_drawn_from(old: Path, tmp_path: Path) -> None:
    exported, run = stored_at(old / "exported").trained(), stored_at(old / "dcgan").trained()
    assert exported.sha256() == run.sha256() == json.loads((old / "exported" / "config.json").read_text())["sha256"]
    images = gan_lightning.load(old / "exported")(torch.zeros(2, 8), torch.tensor([0, 1]))
    assert torch.equal(images, gan_lightning.load(old / "dcgan")(torch.zeros(2, 8), torch.tensor([0, 1])))
    verbs.done(generate, f"{old / 'exported'} seeds=0-3 threads=1 to={tmp_path / 'images'}")
    line = f"{old / 'exported'} against={old / 'dcgan'} {FEW} weights=averaged"
    verbs.done(evaluate, line)
    value = read_records(old / "exported" / "evaluations.jsonl")[0]["value"]
    assert value == pytest.approx(numbers(old / "dcgan")["4 quality/averaged/fid"], rel=1e-5)
