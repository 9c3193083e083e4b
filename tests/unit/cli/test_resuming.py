"""A run goes on as the run that it is, from its folder or its last checkpoint."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from door import call, refused, train
from omegaconf import OmegaConf
from outcomes import summary, weights

from gan_lightning.config.compose import config_folder
from gan_lightning.errors import UserError
from gan_lightning.train.resume import apply_overrides


def test_a_moved_run_goes_on_as_if_never_stopped(copy: Path, tmp_path: Path) -> None:
    assert call(f"resume={copy} trainer.max_steps=4").status == 0
    train("trainer.max_steps=4", tmp_path / "straight")
    resumed, straight = weights(copy), weights(tmp_path / "straight")
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)
    assert (copy / "attempts" / "1" / "overrides.txt").read_text() == "trainer.max_steps=4\n"
    assert str(copy) in (copy / "resolved.yaml").read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("seed=1", "would make this another run"),
        ("loss=hinge", "would make this another run"),
        ("n_critic=2", "would make this another run"),
        ("data.batch_size=16", "would make this another run"),
        ("model.generator.width=8", "would make this another run"),
        ("optimizer=rmsprop", "groups can't be chosen again"),
        ("optimizer.lrr=1", "Did you mean optimizer.lr "),
        ("trainer.max_steps=3,4", "not with a sweep"),
        ("trainer.max_steps=abc", "a whole number is needed"),
        ("trainer.max_steps", "missing EQUAL"),
        ("+trainer.gradient_clip_val=1", "optimizer.clip.norm"),
    ],
)
def test_changes_refused_on_resume(change: str, says: str, finished: Path) -> None:
    assert says in refused(f"resume={finished} {change}")


def test_a_learning_rate_may_change_on_resume(copy: Path) -> None:
    assert call(f"resume={copy} optimizer.lr=0.125 trainer.max_steps=3").status == 0
    lines = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    rates = {line["value"] for line in lines if line["name"].startswith("learning_rate/") and line["iteration"] == 3}
    assert rates == {0.125}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda last: last.write_bytes(b""), "is damaged or no checkpoint"),
        (lambda last: last.write_bytes(last.read_bytes()[:1000]), "is damaged or no checkpoint"),
        (lambda last: torch.save({"state_dict": {}}, last), "is no checkpoint of gan-lightning"),
        (lambda last: last.unlink(), "last.ckpt is missing"),
    ],
    ids=["empty", "cut short", "foreign", "missing"],
)
def test_a_damaged_checkpoint(damage: Any, says: str, copy: Path) -> None:
    damage(copy / "checkpoints" / "last.ckpt")
    assert says in refused(f"resume={copy} trainer.max_steps=3")


def test_a_damaged_stored_configuration(copy: Path) -> None:
    (copy / "config.yaml").write_text("a: [")
    assert "config.yaml" in refused(f"resume={copy}")


def test_allow_names_modules() -> None:
    config = OmegaConf.create({"optimizer": {"lr": 1.0}, "seed": 0})
    assert apply_overrides(config, ["allow=[mine,yours]", "optimizer.lr=2"]) == ["mine", "yours"]
    assert config.optimizer.lr == 2
    with pytest.raises(UserError, match="another run"):
        apply_overrides(config, ["seed=0"])


def test_the_configuration_folder() -> None:
    assert (Path(config_folder()) / "train.yaml").is_file()


def test_a_run_is_resumed_by_its_last_checkpoint_too(known: Path) -> None:
    assert call(f"resume={known / 'checkpoints' / 'last.ckpt'} trainer.max_steps=5").status == 0
    assert summary(known)["iteration"] == 5
    assert "goes on from its last checkpoint" in refused(f"resume={known / 'checkpoints' / 'best.ckpt'}")


def test_a_run_is_named_alike_by_resume_and_init_from(tmp_path: Path) -> None:
    """As it is, or in quotes; and its last checkpoint means the run."""
    run = tmp_path / "my, (first) run"
    train("trainer.max_steps=1", tmp_path / "run")
    (tmp_path / "run").rename(run)
    for i, place in enumerate((run, run / "checkpoints" / "last.ckpt")):
        for j, quote in enumerate(("", "'", '"')):
            train(shlex.quote(f"init_from={quote}{place}{quote}") + " trainer.max_steps=1", tmp_path / f"{i}{j}")
            answer = call(shlex.quote(f"resume={quote}{place}{quote}") + f" trainer.max_steps={2 + 3 * i + j}")
            assert answer.status == 0, answer.err
            assert summary(run)["iteration"] == 2 + 3 * i + j
