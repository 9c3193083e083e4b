"""Searches from the command line, with jobs that train: on two devices, pruned, killed and gone on with."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
from pathlib import Path

import games
import optuna
import pytest
import yaml
from door import call, refused

from gan_lightning.searching.storage import FILE, STUDY, open_storage

pytestmark = pytest.mark.forks

MEASURED = (
    *("callbacks=quality", "callbacks.quality.measures=[fid]", "callbacks.quality.n_fake=8"),
    *("callbacks.quality.every_kimg=0.016", "callbacks.quality.max_share=1", "callbacks.quality.raw=false"),
)
LINE = ("-m", "hydra/sweeper=optuna", *games.TINY, *MEASURED, "optimizer.lr=tag(log,interval(1e-5,1e-2))")


def rows(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "study.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_both_processes_train_with_the_trials_parameters(tmp_path: Path) -> None:
    """Where each process ran the sweep's line again, rank 0 would train 0.153 and rank 1 another trial's 0.471."""
    sweep, log = tmp_path / "sweep", tmp_path / "log"
    words = ("trainer.devices=2", "trainer.max_steps=4", "hydra.sweeper.n_trials=2", f"hydra.sweep.dir={sweep}")
    assert games.run(*LINE, *words, output=log, timeout=280) == 0, log.read_text()
    for row in rows(sweep):
        folder, rate = Path(row["folder"]), float(row["optimizer.lr"])
        assert row["state"] == "done", row
        assert [rank["learning_rates"] for rank in games.rank_files(folder)] == [
            {"generator": rate, "discriminator": rate}
        ] * 2
        measured = json.loads((folder / "summary.json").read_text())["quality"]
        assert float(row["averaged/fid"]) == measured["best"]["value"]
    assert len({row["optimizer.lr"] for row in rows(sweep)}) == 2


def test_a_run_is_pruned_on_all_its_processes(tmp_path: Path) -> None:
    """By three trials of the study that were perfect: the next ends where it is first measured."""
    sweep, log = tmp_path / "sweep", tmp_path / "log"
    line = [*LINE, "trainer.devices=2", "trainer.max_steps=40", f"hydra.sweep.dir={sweep}"]
    line += ["hydra.sweeper.pruner.n_startup_trials=1"]
    assert games.run(*line, "hydra.sweeper.n_trials=1", output=log, timeout=280) == 0, log.read_text()
    study = optuna.load_study(study_name=STUDY, storage=open_storage(sweep / FILE))
    (first,) = study.trials
    assert sorted(first.intermediate_values) == list(range(1, 21))
    for _ in range(3):
        study.add_trial(
            optuna.create_trial(
                params=first.params, distributions=first.distributions, value=0.0, intermediate_values={1: 0.0}
            )
        )
    assert games.run(*line, "hydra.sweeper.n_trials=5", output=log, timeout=280) == 0, log.read_text()
    row = rows(sweep)[4]
    folder = Path(row["folder"])
    summary = json.loads((folder / "summary.json").read_text())
    assert (row["state"], row["averaged/fid"]) == ("pruned", "")
    assert (summary["status"], summary["iteration"], summary["world_size"]) == ("pruned", 2, 2)
    assert not any(games.alive(rank["pid"]) for rank in games.rank_files(folder))
    config = yaml.safe_load((folder / "resolved.yaml").read_text())
    assert "pruning" not in config["callbacks"]
    assert "TRIAL" not in (folder / "overrides.txt").read_text()
    assert games.state(folder)["gan_lightning"]["counters"]["iteration"] == 2


def test_a_search_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    sweep, log = tmp_path / "sweep", tmp_path / "log"
    line = [*LINE, "trainer.max_steps=2000", "callbacks.checkpoint.every_iterations=20", "hydra.sweeper.n_trials=2"]
    line += ["callbacks.quality.every_kimg=null", f"hydra.sweep.dir={sweep}"]
    process = games.start_run(*line, output=log)
    games.wait_for(lambda: len(list(sweep.glob("*/checkpoints/last.ckpt"))) == 2, 120, "the second trial in training")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    folders = set(sweep.glob("*/checkpoints"))
    assert games.run(*line, output=log) == 0, log.read_text()
    assert "2 of 2 trials" in log.read_text()
    assert set(sweep.glob("*/checkpoints")) == folders
    assert [row["state"] for row in rows(sweep)] == ["done", "done"]
    cut = Path(rows(sweep)[1]["folder"])
    assert games.state(cut)["gan_lightning"]["counters"]["iteration"] == 2000
    assert [len(games.rank_files(cut, attempt)) for attempt in (0, 1)] == [1, 1]


def test_a_wrong_choice_is_told_before_anything_runs(tmp_path: Path) -> None:
    message = refused(f"-m hydra/sweeper=optuna loss=hinge,wgangp hydra.sweep.dir={tmp_path / 'sweep'}")
    assert message.startswith("There is no loss=wgangp. Did you mean wgan_gp")
    assert not (tmp_path / "sweep").exists()


def test_without_the_extra_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.searching.find_spec", lambda name: None)
    message = refused(f"-m hydra/sweeper=optuna seed=0,1 hydra.sweep.dir={tmp_path / 'sweep'}")
    assert message == "hydra/sweeper=optuna needs Optuna: pip install 'gan-lightning[optuna]'"
    assert not (tmp_path / "sweep").exists()


def test_a_run_without_a_search_does_not_import_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "optuna"]:
        monkeypatch.delitem(sys.modules, name)
    answer = call(" ".join((*games.TINY, "trainer.max_steps=1")), tmp_path)
    assert answer.status == 0, answer.err
    assert "optuna" not in sys.modules
