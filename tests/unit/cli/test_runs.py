"""Budgets mean what they say, a seed is a seed, and a run has a folder of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from door import IMAGES, TINY, call, refused, train
from omegaconf import OmegaConf
from outcomes import contents, summary, weights


@pytest.mark.parametrize(
    ("budget", "iterations"),
    [
        ("trainer.max_steps=3", 3),
        ("trainer.max_steps=3 n_critic=5", 3),
        ("kimg=0.017", 3),  # 17 images in batches of 8
        ("kimg=0.1 n_critic=5", 3),  # 100 images in draws of 40
        ("kimg=1 trainer.max_steps=3", 3),
        ("trainer.max_epochs=1", IMAGES // 8),
        ("trainer.max_epochs=1 n_critic=5", 2),  # 64 images in draws of 40: the second wraps
        ("trainer.max_epochs=2 trainer.limit_train_batches=2", 4),
        ("default_kimg=0.016", 2),
        ("default_kimg=0.016 trainer.max_steps=1", 1),
    ],
)
def test_budgets(budget: str, iterations: int, tmp_path: Path) -> None:
    train(f"{budget} callbacks.samples=null", tmp_path)
    done = summary(tmp_path)
    n_critic = 5 if "n_critic=5" in budget else 1
    assert (done["iteration"], done["images"]) == (iterations, 8 * n_critic * iterations)
    assert (done["d_updates"], done["g_updates"]) == (n_critic * iterations, iterations)
    saved = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == iterations


def test_a_run_names_what_it_leaves(tmp_path: Path) -> None:
    """And nothing that it was told to leave out."""
    without = train("trainer.max_steps=1 callbacks.checkpoint=null", tmp_path / "without").out
    whole = train("trainer.max_steps=1 logger=[tensorboard]", tmp_path / "whole").out
    assert [word for word in ("pictures:", "checkpoint:", "curves:") if word in without] == ["pictures:"]
    assert [word for word in ("pictures:", "checkpoint:", "curves:") if word not in whole] == []


def test_the_clock_is_a_budget(tmp_path: Path) -> None:
    train("trainer.max_time=00:00:00:01 callbacks.samples=null", tmp_path)
    assert summary(tmp_path)["iteration"] > 0


def test_fast_dev_run_leaves_no_checkpoint(tmp_path: Path) -> None:
    train("trainer.fast_dev_run=true logger=[tensorboard]", tmp_path)
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not list(tmp_path.rglob("*.png"))
    assert not list(tmp_path.rglob("events.*"))


def test_a_zero_among_fractions_is_one(tmp_path: Path) -> None:
    """Torch refuses betas of two kinds, and yaml reads a 0 as a whole number."""
    answer = train(f"{TINY} trainer.max_steps=1 optimizer.betas=[0,0.9]", tmp_path)
    assert answer.status == 0
    assert OmegaConf.load(tmp_path / "resolved.yaml").model.optimizer_generator.betas == [0.0, 0.9]


def test_zero_is_a_seed(tmp_path: Path, finished: Path) -> None:
    for seed in (0, 1):
        train(f"trainer.max_steps=2 seed={seed}", tmp_path / str(seed))
    default, zero, one = weights(finished), weights(tmp_path / "0"), weights(tmp_path / "1")
    assert all(torch.equal(default[name], zero[name]) for name in default)
    assert [name for name in default if name.endswith("weight") and torch.equal(default[name], one[name])] == []


def test_a_run_folder_is_used_once(finished: Path) -> None:
    before = (finished / "resolved.yaml").read_bytes()
    assert f"resume={finished}" in refused(TINY, finished)
    assert (finished / "resolved.yaml").read_bytes() == before


def test_what_was_built_has_no_reference_left(finished: Path) -> None:
    text = (finished / "resolved.yaml").read_text()
    assert "${" not in text
    assert "???" not in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused(f"{TINY} trainer.max_steps=1", tmp_path / "run")


def test_a_file_where_the_run_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refused(f"{TINY} trainer.max_steps=1", tmp_path / "file" / "run")


def started_and_killed(folder: Path) -> None:
    """Leave what a run leaves that was killed before its first checkpoint."""
    train("trainer.max_steps=2 logger=[tensorboard]", folder)
    shutil.rmtree(folder / "checkpoints")
    (folder / "summary.json").unlink()


def test_the_same_line_starts_a_run_again_that_saved_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    started_and_killed(folder)
    numbers = (folder / "metrics.jsonl").read_bytes()
    says = refused(f"resume={folder}")
    assert "before its first checkpoint" in says
    assert f"hydra.run.dir={folder}" in says
    train("trainer.max_steps=3 logger=[tensorboard]", folder)
    assert summary(folder)["iteration"] == 3
    assert (folder / "attempts" / "0" / "metrics.jsonl").read_bytes() == numbers
    assert (folder / "attempts" / "0" / "samples").is_dir()
    assert len(list(folder.rglob("*tfevents*"))) == 1
    assert "holds a run already" in refused(TINY, folder)
    assert call(f"resume={folder} trainer.max_steps=4").status == 0


def test_a_refused_second_start_moves_nothing(tmp_path: Path) -> None:
    started_and_killed(tmp_path / "run")
    before = contents(tmp_path)
    refused(f"{TINY} optimizer.clip.norm=-1", tmp_path / "run")
    assert contents(tmp_path) == before


def test_a_folder_with_somebodys_files_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "holds files that are no run's, such as thesis.tex" in refused(f"{TINY} trainer.max_steps=1", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("words", ["hydra.run.dir=", "-m seed=0,1 hydra.sweep.dir="])
def test_an_empty_name_is_not_the_current_folder(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "is empty, which is the current folder" in refused(f"{TINY} trainer.max_steps=1 {words}")
    assert not list(tmp_path.iterdir())
