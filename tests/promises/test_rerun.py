"""A run repeated by ``rerun=`` gives the same numbers, or a message says which of them differ and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from door import TINY, call, refused, train

from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.reproduction import DifferingNumber, Reproduction, compare_runs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rerun") / "first"
    train("trainer.max_steps=4 trainer.log_every_n_steps=2 seed=3", folder)
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_the_same_again(run: Path, tmp_path: Path) -> None:
    """The options of the second run come from the stored configuration alone."""
    answer = call(f"rerun={run}", tmp_path / "again")
    assert answer.status == 0, answer.err
    assert "and every weight, equal to the last bit" in answer.out
    record = json.loads((tmp_path / "again" / "rerun.json").read_text())
    assert (record["same"], record["differing"], record["weights_equal"]) == (True, [], True)
    assert record["compared"] == 22
    assert record["of"] == str(run.resolve())
    assert json.loads((tmp_path / "again" / "attempts" / "0" / "rank-0.json").read_text())["seed"] == 3


def test_another_number_is_named(copy: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    changed = next(line for line in lines if (line["iteration"], line["name"]) == (4, "loss/generator"))
    changed["value"] *= 1.5
    (copy / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    provenance = json.loads((copy / "provenance.json").read_text())
    provenance["packages"]["torch"] = "2.0.0"
    (copy / "provenance.json").write_text(json.dumps(provenance))
    answer = call(f"rerun={copy}", tmp_path / "again")
    assert answer.status == 1
    assert "other numbers: 1 of 22 values differ" in answer.out
    assert "loss/generator at iteration 4" in answer.out
    assert f"torch: 2.0.0 there, {torch.__version__.partition('+')[0]}" in answer.out


def test_a_longer_run_is_compared_where_both_were(run: Path, tmp_path: Path) -> None:
    answer = call(f"rerun={run} trainer.max_steps=2", tmp_path / "again")
    assert answer.status == 0, answer.err
    assert "same numbers: 11 values equal to the last bit" in answer.out
    assert json.loads((tmp_path / "again" / "rerun.json").read_text())["weights_equal"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("rerun=nowhere", "config.yaml is missing, so there is no run to repeat"),
        ("rerun={run} seed=4", "seed=4 would make this another run"),
        ("rerun={run} hydra.run.dir={run}", "would write over the run that it repeats"),
        ("rerun={run} kimgs=4", "There is no option 'kimgs'. Did you mean kimg"),
    ],
)
def test_what_is_refused(words: str, says: str, run: Path) -> None:
    before = sorted(run.rglob("*"))
    assert says in refused(words.format(run=run))
    assert sorted(run.rglob("*")) == before


def test_a_run_without_numbers_is_refused_before_it_is_repeated(copy: Path, tmp_path: Path) -> None:
    (copy / "metrics.jsonl").unlink()
    assert "there are no numbers to compare with" in refused(f"rerun={copy}", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_stored_configuration_builds_nothing_unknown(copy: Path, tmp_path: Path) -> None:
    stored = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(stored.replace("gan_lightning.losses.NonSaturating", "subprocess.Popen"))
    assert "is named by a stored configuration and is not built unasked" in refused(f"rerun={copy}", tmp_path / "again")


def test_sizes_of_differences(copy: Path, run: Path) -> None:
    assert compare_runs(RunFolder(run), RunFolder(copy)) == Reproduction(22, (), True, ())
    assert DifferingNumber("a", 1, 2.0, 1.0).relative == 0.5
    assert DifferingNumber("a", 1, 2.0, None).relative == DifferingNumber("a", 1, float("nan"), 1.0).relative == 1.0
    (copy / "metrics.jsonl").write_text("")
    assert list(compare_runs(RunFolder(run), RunFolder(copy)).sentences()) == [
        "nothing to compare: the two runs share no point of training"
    ]


@pytest.mark.slow
@pytest.mark.forks
def test_on_two_processes(tmp_path: Path) -> None:
    first = tmp_path / "first"
    assert call(f"{TINY} trainer.max_steps=3 trainer.devices=2", first).status == 0
    answer = call(f"rerun={first}", tmp_path / "again")
    assert answer.status == 0, answer.out + answer.err
    assert (tmp_path / "again" / "attempts" / "0" / "rank-1.json").is_file()
