"""Launchers that one word selects, tested on one machine as far as that shows what a cluster would do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import games
import pytest
from door import TINY, call, refused
from hydra.core.plugins import Plugins

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).resolve().parents[2]
LAUNCHERS = sorted(path.stem for path in (ROOT / "conf" / "hydra" / "launcher").glob("*.yaml"))
SLURM = {
    **{"SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_JOB_ID": "7"},
    **{"SLURM_JOB_NAME": "gan", "SLURM_NODELIST": "localhost"},
}
"""Environment variables that a SLURM job with one task finds."""


def test_there_are_four() -> None:
    assert LAUNCHERS == ["joblib", "ray", "submitit_local", "submitit_slurm"]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_that_is_not_installed_is_named(
    launcher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = Plugins.instance()
    known = {name: found for name, found in plugins.class_name_to_class.items() if "hydra_plugins" not in name}
    monkeypatch.setattr(plugins, "class_name_to_class", known)
    answer = call(f"-m hydra/launcher={launcher} seed=0,1 hydra.sweep.dir={tmp_path}")
    extra = launcher.partition("_")[0]
    assert (answer.status, answer.err) == (
        2,
        f"error: This launcher is not installed: pip install 'gan-lightning[{extra}]'\n",
    )


def started(folder: Path, *options: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """A sweep that is started in an interpreter of its own, as from a terminal."""
    words = ["-m", *games.TINY, "trainer.max_steps=2", "seed=0,1", *options, f"hydra.sweep.dir={folder / 'sweep'}"]
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests" / "support")))
    environment = {**os.environ, "PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0", **extra}
    command = [sys.executable, str(ROOT / "train.py"), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=800)


def sweep(folder: Path, *options: str, **extra: str) -> list[Path]:
    """Run a sweep of two seeds, which must succeed, and return its jobs."""
    done = started(folder, *options, **extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 job(s): 2 trained" in done.stdout
    return sorted((folder / "sweep").glob("seed*"))


def worlds(jobs: list[Path]) -> list[list[tuple[int, int, int]]]:
    """Seed, rank and size of the world that each rank of each job saw."""
    return [[(rank["seed"], rank["rank"], rank["world_size"]) for rank in games.rank_files(job)] for job in jobs]


TWO_RANKS_EACH = [[(seed, rank, 2) for rank in (0, 1)] for seed in (0, 1)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("hydra/launcher=jobli", "Did you mean joblib? Choices: joblib, ray, "),
        ("hydra/lancher=joblib", "Did you mean hydra/launcher?"),
        ("hydra/launcher=joblib hydra.launcher.njobs=2", "Did you mean hydra.launcher.n_jobs?"),
        ("hydra.launcher.n_jobs=2", "hydra/launcher=basic is chosen; others are joblib, ray, "),
        ("hydra/launcher=joblib hydra.launcher.n_jobs=two", "hydra.launcher.n_jobs=two: Value 'two' of type 'str'"),
        ("hydra/sweeper=optunna", "Did you mean optuna?"),
        ("hydra/sweeper=optuna hydra.sweeper.n_trails=3", "Did you mean hydra.sweeper.n_trials?"),
        ("hydra/sweeper=optuna hydra.sweeper.sampler.sed=3", "Did you mean hydra.sweeper.sampler.seed?"),
        ("hydra.sweep.dirr=x", "Did you mean hydra.sweep.dir"),
    ],
)
def test_a_misspelt_word_of_hydras_ends_in_one_line(words: str, says: str) -> None:
    assert says in refused(f"-m seed=0,1 {words}")


@pytest.mark.slow
def test_joblib_shares_the_cores_and_reports_what_failed_elsewhere(tmp_path: Path) -> None:
    done = started(tmp_path, "n_critic=1,-1", "threads=null", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert done.returncode == 2
    assert "4 job(s): 2 trained, 2 failed" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: 2 job(s) of the sweep failed: n_critic--1_seed-0-")
    ranks = [rank for job in (tmp_path / "sweep").glob("n_critic-1*") for rank in games.rank_files(job)]
    assert [rank["threads"] for rank in ranks] == [max(1, len(os.sched_getaffinity(0)) // 2)] * 2
    failures = [json.loads(path.read_text()) for path in (tmp_path / "sweep").glob("*/failure.json")]
    assert [failure["kind"] for failure in failures] == ["mistake", "mistake"]


@pytest.mark.slow
def test_submitit_on_this_machine(tmp_path: Path) -> None:
    jobs = sweep(tmp_path, "hydra/launcher=submitit_local", "trainer.devices=2", **SLURM)
    assert worlds(jobs) == TWO_RANKS_EACH


@pytest.mark.slow
def test_a_sweep_within_a_job_of_slurm_starts_its_own_ranks(tmp_path: Path) -> None:
    assert worlds(sweep(tmp_path, "trainer.devices=2", **SLURM)) == TWO_RANKS_EACH


@pytest.mark.slow
def test_ray_on_one_node(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    jobs = sweep(tmp_path, "hydra/launcher=ray", "trainer.devices=2", "hydra.launcher.ray.init.num_cpus=2")
    assert worlds(jobs) == TWO_RANKS_EACH


@pytest.mark.parametrize("launcher", ["torchrun", "srun"])
def test_a_sweep_as_one_of_several_ranks_is_refused(launcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    several = {
        "torchrun": {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"},
        "srun": {**SLURM, "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2"},
    }
    for name, value in several[launcher].items():
        monkeypatch.setenv(name, value)
    answer = call(f"-m {TINY} seed=0,1")
    assert answer.status == 2
    assert "a sweep starts its own processes" in answer.err


def test_tasks_that_lightning_does_not_take_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SLURM, "SLURM_NTASKS": "2"}.items():
        monkeypatch.setenv(name, value)
    answer = call(f"{TINY} trainer.devices=2")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "--ntasks-per-node=2" in answer.err
