"""Searches from the command line whose jobs train: on two devices, with pruning, and killed and continued."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import sys
from pathlib import Path

import games
import optuna
import pytest
import yaml
from door import call, refused

from gan_lightning.search.storage import FILE, STUDY, open_storage

pytestmark = pytest.mark.forks

MEASURED = (
    *("callbacks=quality", "callbacks.quality.metrics=[fid]", "callbacks.quality.n_fake=8"),
    *("callbacks.quality.every_kimg=0.016", "callbacks.quality.max_share=1", "callbacks.quality.raw=false"),
)
LINE = ("-m", "hydra/sweeper=optuna", *games.TINY, *MEASURED, "optimizer.lr=tag(log,interval(1e-5,1e-2))")


def rows(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "study.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_both_processes_train_a_trial_and_end_with_it(tmp_path: Path) -> None:
    """Both processes have the trial's parameters, and the pruner's answer to rank 0 ends both at the same iteration.

    When each process ran the sweep's command line itself, rank 0 trained with 0.153 and rank 1 with 0.471.
    """
    sweep, log = tmp_path / "sweep", tmp_path / "log"
    pruner = "{_target_:optuna.pruners.ThresholdPruner,upper:0}"  # every FID is worse and is therefore pruned
    words = ("trainer.devices=2", "trainer.max_steps=40", "hydra.sweeper.n_trials=2", f"hydra.sweep.dir={sweep}")
    words = (*words, "~hydra.sweeper.pruner", f"+hydra.sweeper.pruner={pruner}")
    assert games.run(*LINE, *words, output=log, timeout=280) == 0, log.read_text()
    assert [row["state"] for row in rows(sweep)] == ["pruned", "pruned"]
    for row in rows(sweep):
        folder, rate = Path(row["folder"]), float(row["optimizer.lr"])
        ranks = games.rank_files(folder)
        assert [rank["learning_rates"] for rank in ranks] == [{"generator": rate, "discriminator": rate}] * 2
        assert not any(games.alive(rank["pid"]) for rank in ranks)
        summary = json.loads((folder / "summary.json").read_text())
        assert (summary["status"], summary["iteration"], summary["world_size"]) == ("pruned", 2, 2)
        assert games.state(folder)["gan_lightning"]["counters"]["iteration"] == 2
        assert "pruning" not in yaml.safe_load((folder / "resolved.yaml").read_text())["callbacks"]
        assert "TRIAL" not in (folder / "overrides.txt").read_text()
    assert len({row["optimizer.lr"] for row in rows(sweep)}) == 2
    study = optuna.load_study(study_name=STUDY, storage=open_storage(sweep / FILE))
    assert [list(trial.intermediate_values) for trial in study.trials] == [[1], [1]]


@pytest.mark.slow
def test_a_search_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    sweep, log = tmp_path / "sweep", tmp_path / "log"
    line = [*LINE, "trainer.max_steps=200", "callbacks.checkpoint.every_iterations=10", "hydra.sweeper.n_trials=2"]
    line += ["callbacks.quality.every_kimg=null", f"hydra.sweep.dir={sweep}"]
    process = games.start_run(*line, output=log)
    games.wait_for(lambda: len(list(sweep.glob("*/checkpoints/last.ckpt"))) == 2, 120, "the second trial in training")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    folders = set(sweep.glob("*/checkpoints"))
    assert games.run(*line, output=log) == 0, log.read_text()
    assert "2 of 2 trials" in log.read_text()
    assert set(sweep.glob("*/checkpoints")) == folders
    for row in rows(sweep):
        quality = json.loads((Path(row["folder"]) / "summary.json").read_text())["quality"]
        assert (row["state"], float(row["averaged/fid"])) == ("done", quality["best"]["value"])
    cut = Path(rows(sweep)[1]["folder"])
    assert games.state(cut)["gan_lightning"]["counters"]["iteration"] == 200
    assert [len(games.rank_files(cut, attempt)) for attempt in (0, 1)] == [1, 1]


EACH_ONCE = "hydra.sweeper.sampler._target_=optuna.samplers.BruteForceSampler ~hydra.sweeper.sampler.n_startup_trials"
SHORT = f"{' '.join(games.TINY)} evaluator.n_fake=8 trainer.max_steps=1 -m hydra/sweeper=optuna {EACH_ONCE}"


def test_a_trial_may_fail_and_folders_are_named_by_what_is_searched(tmp_path: Path) -> None:
    """The search adds ``callbacks=quality`` and its options to each job, and ends when all values have been tried."""
    answer = call(f"{SHORT} n_critic=1,-1 hydra.sweeper.n_trials=9 hydra.sweep.dir={tmp_path}")
    assert (answer.status, "2 job(s): 1 trained, 1 failed" in answer.out) == (0, True), answer.err
    assert sorted(row["state"] for row in rows(tmp_path)) == ["done", "failed"]
    names = [re.sub("-[0-9a-f]{6}$", "", Path(row["folder"]).name) for row in rows(tmp_path)]
    assert sorted(names) == ["n_critic--1", "n_critic-1"]


def test_a_search_of_which_nothing_came_has_failed(tmp_path: Path) -> None:
    answer = call(f"{SHORT} n_critic=-1,-2 hydra.sweeper.n_trials=2 hydra.sweep.dir={tmp_path}")
    assert answer.status == 2
    assert answer.err.splitlines()[-1] == f"error: All trials failed; the reasons are in {tmp_path / 'study.csv'}."
    assert "2 job(s): 2 failed" in answer.out
    assert "Go on with the same line" not in answer.out


def test_a_wrong_choice_is_told_before_anything_runs(tmp_path: Path) -> None:
    message = refused(f"-m hydra/sweeper=optuna loss=hinge,wgangp hydra.sweep.dir={tmp_path / 'sweep'}")
    assert message.startswith("There is no loss=wgangp. Did you mean wgan_gp")
    assert not (tmp_path / "sweep").exists()


def test_without_the_extra_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.search.find_spec", lambda name: None)
    message = refused(f"-m hydra/sweeper=optuna seed=0,1 hydra.sweep.dir={tmp_path / 'sweep'}")
    assert message == "hydra/sweeper=optuna needs Optuna: pip install 'gan-lightning[optuna]'"
    assert not (tmp_path / "sweep").exists()


def test_a_run_without_a_search_does_not_import_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "optuna"]:
        monkeypatch.delitem(sys.modules, name)
    answer = call(" ".join((*games.TINY, "trainer.max_steps=1")), tmp_path)
    assert answer.status == 0, answer.err
    assert "optuna" not in sys.modules
