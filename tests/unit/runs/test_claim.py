"""A run folder belongs to one run, and a mistake leaves nothing in it that the next attempt would stumble over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from door import TINY, call, refused, train

from gan_lightning.errors import UserError
from gan_lightning.runs.claim import claimed, locked, promote
from gan_lightning.runs.folder import ENDED_WITH, MADE_OF, RunFolder


def test_of_two_that_start_at_once_one_gets_it(tmp_path: Path) -> None:
    with (
        claimed(RunFolder(tmp_path), 0, {"config.yaml": "a: 1\n"}),
        pytest.raises(UserError, match="holds a run already"),
        claimed(RunFolder(tmp_path), 0, {"config.yaml": "a: 2\n"}),
    ):
        pass
    assert RunFolder(tmp_path).attempt(0).composed.read_text() == "a: 1\n"


def test_it_is_given_back_where_training_did_not_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no"), claimed(RunFolder(tmp_path), 0, {"config.yaml": ""}):
        raise UserError("no")
    assert not RunFolder(tmp_path).attempt(0).path.exists()


def test_a_refused_run_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with (
        pytest.raises(UserError, match="no such"),
        locked(RunFolder(folder)),
        claimed(RunFolder(folder), 0, {"config.yaml": "a: 1\n"}),
    ):
        raise UserError("no such")
    assert not folder.exists()


def test_a_refused_start_leaves_no_run_in_tensorboard(tmp_path: Path) -> None:
    """Its file is begun before the callbacks are asked; that of an earlier attempt stays."""
    (tmp_path / "events.out.tfevents.1").touch()

    def start() -> None:
        with claimed(RunFolder(tmp_path), 1, {}):
            (tmp_path / "events.out.tfevents.2").touch()
            raise UserError("too few")

    with pytest.raises(UserError, match="too few"):
        start()
    assert [file.name for file in tmp_path.glob("events*")] == ["events.out.tfevents.1"]


@pytest.mark.parametrize("mistake", ["n_critic=0", "optimiser.lr=1", "optimizer.lr=high", "trainer.precision=64-true"])
def test_a_mistake_on_the_command_line_leaves_no_folder(mistake: str, tmp_path: Path) -> None:
    refused(f"{TINY} {mistake}", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_refused_run_leaves_what_others_put_there(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(UserError, match="no such"), claimed(RunFolder(folder), 0, {}):
        raise UserError("no such")
    assert sorted(entry.name for entry in folder.iterdir()) == [".lock", "notes.txt"]


def test_the_record_is_the_runs_from_the_start_of_training(tmp_path: Path) -> None:
    with claimed(RunFolder(tmp_path), 1, dict.fromkeys(MADE_OF, "text")):
        assert not (tmp_path / "config.yaml").exists()
        promote(RunFolder(tmp_path).attempt(1))
    assert {(tmp_path / name).read_text() for name in MADE_OF} == {"text"}


@pytest.mark.parametrize("ending", ENDED_WITH)
def test_an_attempt_begins_without_the_ending_of_the_one_before(ending: str, tmp_path: Path) -> None:
    """A run that is done or failed and is gone on with has neither, and if it is killed it had neither."""
    with claimed(RunFolder(tmp_path), 0, {}):
        promote(RunFolder(tmp_path).attempt(0))
    (tmp_path / ending).write_text("of the first")
    with claimed(RunFolder(tmp_path), 1, {}):
        assert (tmp_path / ending).is_file()
        promote(RunFolder(tmp_path).attempt(1))
    assert not (tmp_path / ending).exists()
    assert (RunFolder(tmp_path).attempt(0).path / ending).read_text() == "of the first"


def test_a_refused_resume_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train("trainer.max_steps=1", folder)
    before = (folder / "config.yaml").read_text()
    assert "clip.norm" in call(f"resume={folder} trainer.max_steps=2 optimizer.clip.norm=-1").err
    assert (folder / "config.yaml").read_text() == before
    assert call(f"resume={folder} trainer.max_steps=2").status == 0
    assert json.loads((folder / "summary.json").read_text())["iteration"] == 2


def test_a_new_budget_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train("trainer.max_epochs=1 trainer.limit_train_batches=2", folder)
    assert call(f"resume={folder} kimg=0.032").status == 0
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["iteration"], summary["images"]) == (4, 32)
    assert "nothing is left to do: the run has 4 iterations" in call(f"resume={folder} trainer.max_steps=3").out


def test_another_run_starts_from_a_job_of_a_sweep(tmp_path: Path) -> None:
    assert call(f"-m {TINY} trainer.max_steps=1 seed=0 hydra.sweep.dir={tmp_path / 'sweep'}").status == 0
    (job,) = (path for path in (tmp_path / "sweep").iterdir() if path.is_dir())
    assert "52 of 52" in train(f"trainer.max_steps=1 init_from={job}", tmp_path / "next").out


@pytest.mark.parametrize("option", ["trainer.precision=64-true", "trainer.log_every_n_steps=0"])
def test_what_would_fail_in_the_first_step_is_refused(option: str, tmp_path: Path) -> None:
    assert option in refused(option, tmp_path)


def test_the_record_is_not_cut_before_the_new_one_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MADE_OF:
        (tmp_path / name).write_text("of the first")

    def full(source: Path, target: Path) -> None:
        if source.name == MADE_OF[2]:
            raise OSError(28, "No space left on device")
        target.write_text("of the second")

    monkeypatch.setattr("gan_lightning.runs.claim.shutil.copyfile", full)
    new = dict.fromkeys(MADE_OF, "of the second")
    with claimed(RunFolder(tmp_path), 1, new), pytest.raises(UserError, match="No space left on device"):
        promote(RunFolder(tmp_path).attempt(1))
    assert {name: (tmp_path / name).read_text() for name in MADE_OF} == dict.fromkeys(MADE_OF, "of the first")
    assert not list(tmp_path.glob(".*.tmp"))
