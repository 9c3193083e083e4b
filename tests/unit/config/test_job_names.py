"""The same line finds the same folders again, and a name says what a job is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_lightning.config.job_names import LONGEST, job_name
from gan_lightning.sweep.line import START, sweep_line


def folder(words: str) -> Path:
    line = sweep_line(["-m", *words.split()])
    assert line is not None
    return line.folder


BASE = "loss=hinge,minimax seed=0,1 kimg=2"


@pytest.mark.parametrize(
    "same",
    [
        "seed=0,1 kimg=2 loss=hinge,minimax",
        "loss=minimax,hinge seed=1,0 kimg=2",
        "loss=hinge,minimax seed=range(2) kimg=2",
        "loss=hinge,minimax seed=0,1 kimg=2 threads=1 data.data_dir=/data",
        "loss=hinge,minimax seed=0,1 kimg=2 hydra/launcher=joblib hydra.launcher.n_jobs=3",
        "loss=hinge,minimax seed=0,1 kimg=2 hydra.sweeper.n_trials=9",
    ],
)
def test_what_changes_no_result_changes_no_folder(same: str) -> None:
    assert folder(same) == folder(BASE)


@pytest.mark.parametrize(
    "other",
    [
        "loss=hinge,minimax seed=0,1 kimg=3",
        "loss=hinge,minimax seed=0,1,2 kimg=2",
        "loss=hinge,minimax seed=0,1 kimg=2 trainer.devices=2",
        "loss=hinge,minimax seed=0,1 kimg=2 hydra/sweeper=optuna",
        "loss=hinge,minimax seed=0,1 kimg=2 optimizer.lr=interval(0,1)",
        "loss=hinge,minimax seed=0,1 +kimg=2",
    ],
)
def test_what_changes_results_changes_the_folder(other: str) -> None:
    assert folder(other) != folder(BASE)


def test_a_sweeps_folder_says_what_is_swept() -> None:
    assert folder(BASE).parts[:2] == ("runs", "sweeps")
    assert folder(BASE).name.startswith("loss_seed-")
    assert folder("seed=3").name.startswith("one-")


def test_the_flag_may_stand_anywhere() -> None:
    words = BASE.split()
    lines = [sweep_line([*words[:i], "-m", *words[i:]]) for i in range(len(words) + 1)]
    assert {line.folder for line in lines if line is not None} == {folder(BASE)}
    assert all(lines)


def test_a_folder_may_be_given() -> None:
    assert folder(f"{BASE} hydra.sweep.dir=here") == Path("here")
    assert folder("seed=0 hydra.sweep.dir=a-${seed2:}".replace("${seed2:}", "b")) == Path("a-b")
    assert "$" not in str(folder("seed=0 hydra.sweep.dir=here/${now:%Y}"))


def test_only_a_sweep_is_one() -> None:
    assert sweep_line(["seed=0"]) is None
    assert sweep_line(["hydra.mode=MULTIRUN", "seed=0"]) is not None
    assert sweep_line(["-m", "seed=="]) is None  # Hydra says what is wrong with it


def test_a_job_is_named_by_what_differs() -> None:
    line = sweep_line(["-m", "loss=hinge,minimax", "kimg=2", "threads=1", "data.data_dir='a b'"])
    assert line is not None
    assert "hydra.job.config.override_dirname.exclude_keys=[kimg,threads,data.data_dir]" in line.added
    assert f"+hydra.job.env_set.{START}={line.start}" in line.added


def test_names_of_jobs() -> None:
    name = job_name("loss=hinge,seed=1", ["loss=hinge", "seed=1", "kimg=2"])
    assert name.startswith("loss-hinge_seed-1-")
    assert job_name("loss=hinge,seed=1", ["kimg=2", "threads=4", "seed=1", "loss=hinge"]) == name
    assert job_name("loss=hinge,seed=1", ["kimg=3", "seed=1", "loss=hinge"]) != name
    assert job_name("data.root=/a/b", ["data.root=/a/b"]).startswith("data.root-_a_b-")
    assert len(job_name("", ["seed=1"])) == 6
    long, other = (job_name(f"x={text}", [f"x={text}"]) for text in ("a" * 300, "a" * 299 + "b"))
    assert long != other
    assert len(long) <= LONGEST + 7
