"""What a user types: mistakes end in one line, budgets mean what they say, a run goes on as the run that it is."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from door import IMAGES, TINY, call, refused, train
from omegaconf import OmegaConf

import gan_lightning
from gan_lightning.callbacks import Checkpoint
from gan_lightning.config.compose import config_folder
from gan_lightning.errors import UserError
from gan_lightning.train.resume import apply_overrides


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two iterations; copy it before changing it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train("trainer.max_steps=2", folder)
    return folder


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("optimizer.lrr=1", "Did you mean optimizer.lr "),
        ("lr=1", "Did you mean optimizer.lr "),
        ("sed=1", "Did you mean seed "),
        ("+sed=1", "Did you mean seed?"),
        ("+optimizer.generator.lrr=3", "Did you mean optimizer.generator.lr?"),
        ("trainer.devces=2", "Did you mean trainer.devices?"),
        ("+trainer.devces=2", "Did you mean trainer.devices?"),
        ("callbacks.sample.count=3", "Did you mean callbacks.samples.count?"),
        ("loss=r3gan penalty.r1.gama=3", "Did you mean penalty.r1.gamma "),
        ("loss=hinge loss.label_smoothing=0.1", "this loss compares no logit with a target"),
        ("los=hinge", "Did you mean loss "),
        ("loss=hing", "Did you mean hinge?"),
        ("loss=", "There is no loss=. Choices: cyclegan, dragan, "),
        ("loss=,hinge", "loss=,hinge can't be read: extraneous input ','."),
        ("callbacks.quality.every_kimg=1", "is an option of callbacks=quality: add that word too."),
        ("-m seed=0,1,", "seed=0,1, can't be read: mismatched input '<EOF>'."),
        ("trainer.max_steps=[1", "trainer.max_steps=[1 can't be read: no viable alternative at input '[1'."),
        ("hydra.run.dirr=x", "Did you mean hydra.run.dir "),
        ("model=dcgn", "There is no model=dcgn. Did you mean dcgan or keras_dcgan? Choices: cut, cyclegan, dcgan, "),
        ("penalty=[r3]", "There is no penalty=r3. Did you mean r2 or r1?"),
        ("logger=[tensorbord]", "There is no logger=tensorbord. Did you mean tensorboard?"),
        ("+penalty.r1.gamma=3", "penalty.r1 has no _target_: choose it first, such as penalty=[r1]."),
        ("trainer.sync_batchnorm=true", "add it with a plus, +trainer.sync_batchnorm=..."),
        ("seed=x", "seed='x' is not a whole number"),
        ("seed=null", "seed is null"),
        ("seed=true", "is not a whole number"),
        ("n_critic=1.5", "n_critic=1.5 is not a whole number"),
        ("n_critic=0", "must be a whole number of at least 1"),
        ("kimg=abc", "kimg='abc' is not a number"),
        ("kimg=0", "kimg=0: give a positive number"),
        ("threads=0", "threads=0: give at least 1"),
        ("optimizer.lr=abc", "optimizer.generator.lr=abc (from ${..lr}): a number is needed."),
        ("optimizer.lr=null", "optimizer.generator.lr=null (from ${..lr}): a number is needed."),
        ("optimizer.betas=0.5", "a list is needed"),
        ("optimizer.clip.norm=abc", "optimizer.clip.norm=abc: a number or null is needed."),
        ("optimizer.clip.norm=-1", "clip.norm is -1"),
        ("trainer.max_steps=abc", "trainer.max_steps=abc: a whole number is needed."),
        ("trainer.max_epochs=abc", "trainer.max_epochs=abc: a whole number or null is needed."),
        ("trainer.max_time=abc", "DD:HH:MM:SS"),
        ("trainer.devices=0", "trainer.devices=0"),
        ("trainer.precision=abc", "trainer.precision=abc"),
        ("data.batch_size=abc", "data.batch_size=abc: a whole number is needed."),
        ("data.batch_size=0", "data.batch_size must be a whole number of at least 1"),
        ("data.classes=7", "data.classes=7: a list or null is needed."),
        ("data.classes=[12]", "data.classes has 12"),
        ("model=dcgan data.resolution=30", "resolution 30 is not supported"),
        ("model.generator.width=abc", "model.generator.width=abc: a whole number is needed."),
        ("model.generator.resolution=64", "but the data have 28"),
        ("data=mnist data.data_dir=/nonexistent data.download=false", "can't be read from /nonexistent"),
        ("callbacks.samples.every_kimg=-1", "give a positive number, or null for never"),
        ("+trainer.gradient_clip_val=1", "use optimizer.clip.norm"),
        ("trainer.gradient_clip_val=1", "use optimizer.clip.norm"),
        ("+trainer.accumulate_grad_batches=2", "raise data.batch_size"),
        ("run.folder=x", "hydra.run.dir says where"),
        ("trainer.strategy=ddp", "can't train two players"),
        ("trainer.precision=16-mixed", "needs a GPU"),
        ("trainer.devices=3", "can't be shared"),
        ("loss._target_=gan_lightning.losses.Hing", "no such class or function"),
        ("loss._target_=nowhere.Thing", "no such class or function"),
        ("init_from=/nonexistent", "holds no run with a checkpoint"),
        ("resume=/nonexistent", "/nonexistent/config.yaml is missing"),
        ("resume=~/nonexistent", f"{Path.home()}/nonexistent/config.yaml is missing"),
        ("rerun=~/nonexistent", f"{Path.home()}/nonexistent/config.yaml is missing"),
        ("data=folder data.root=~/nonexistent", f"data.root={Path.home()}/nonexistent: there is no such folder"),
        ("data.batch_size", "missing EQUAL"),
        ("optimizer.betas=[0.5]", "optimizer.generator does not take its options (lr=0.002, betas=[0.5]"),
        ("model.generator.latent_dim=0", "model.generator.latent_dim=0: give at least 1."),
        ("data.resolution=100000", "data.resolution=100000: 64 images of this size take"),
        ("data.batch_size=1000000000000", "is far beyond the 64 training images"),
        ("trainer.max_steps=0", "trainer.max_steps=0 trains nothing"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0 trains nothing"),
        ("trainer.limit_train_batches=0", "trainer.limit_train_batches=0 trains nothing"),
        ("trainer.max_time=00:00:00:00", "trainer.max_time=00:00:00:00 trains nothing"),
        ("-m 'seed=range(0,0)'", "seed=range(0,0) has no values, so there is no job."),
        ("=3", "must be a string or a list"),
    ],
)
def test_a_mistake_ends_in_one_line(line: str, says: str, tmp_path: Path) -> None:
    cpu = "" if line.startswith("resume") else " trainer.accelerator=cpu"
    assert says in refused(line + cpu, None if line.startswith("resume") else tmp_path)
    assert not list(tmp_path.rglob("*.ckpt"))


def test_mistakes_in_the_users_own_yaml(tmp_path: Path) -> None:
    (tmp_path / "loss").mkdir()
    own = tmp_path / "loss" / "mine.yaml"
    own.write_text("# @package _global_\nloss:\n  _target_: gan_lightning.losses.Hinge\n  margn: 1\nn_critic: 1\n")
    assert "There is no option 'loss.margn'" in refused(f"--config-dir={tmp_path} loss=mine", tmp_path / "run")
    assert "Did you mean mine or minimax?" in refused(f"--config-dir={tmp_path} loss=mien", tmp_path / "run")
    own.write_text("")
    assert "loss has no _target_" in refused(f"--config-dir={tmp_path} loss=mine", tmp_path / "run")
    own.write_text("# @package _global_\nloss:\n  _target_: gan_lightning.losses.Hinge\nn_crtic: 1\n")
    assert "Did you mean n_critic?" in refused(f"--config-dir={tmp_path} loss=mine", tmp_path / "run")


def test_help_names_the_groups_and_fits_a_screen() -> None:
    text = call("--help").out
    assert all(group in text for group in ("loss:", "model:", "data:", "penalty:", "optimizer:", "trainer:", "logger:"))
    assert len(text.splitlines()) < 60
    assert "game:" not in text, "it comes with a model, and can't be chosen"


def test_cfg_job_prints_every_option() -> None:
    answer = call("--cfg job optimizer.lr=0.125")
    assert answer.status == 0
    assert "lr: 0.125" in answer.out
    assert "label_smoothing: 0.0" in answer.out


# ---------------------------------------------------------------------- budgets


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


# ------------------------------------------------------------- seeds, run folders


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


# ----------------------------------------------------------------------- resuming


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The run, moved elsewhere."""
    return Path(shutil.copytree(finished, tmp_path / "moved"))


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
    "hostile",
    [
        "{_target_: os.system, command: 'touch PWNED'}",
        "{_target_: torch.os.system, command: 'touch PWNED'}",
        '{_target_: builtins.eval, source: \'open("PWNED", "w")\'}',
        "{_target_: torch.load, f: PWNED, weights_only: false}",
        "{_target_: subprocess.Popen, args: [touch, PWNED]}",
        "{_target_: gan_lightning.cli.os.system, command: 'touch PWNED'}",
        "{_target_: gan_lightning.runs.provenance.subprocess.Popen, args: [touch, PWNED]}",
        "{_target_: lightning.pytorch.callbacks.LambdaCallback, setup: {_target_: os.system, command: touch PWNED}}",
        "{_target_: lightning.pytorch.callbacks.LambdaCallback, a: [{b: [{_target_: os.system}]}]}",
        "'${oc.decode:\"{_target_: torch.hub.load, repo_or_dir: x, model: y, source: local}\"}'",
        "'${oc.create:{_target_: torch.load, f: PWNED}}'",
        "{_target_: '${oc.decode:os.system}'}",
        "{_target_: '${.evil}', evil: os.system}",
        "{_target_: null}",
        "{_target_: [os.system]}",
    ],
)
def test_a_strangers_run_folder_is_not_obeyed(hostile: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    text = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(text.replace("callbacks:\n", f"callbacks:\n  evil: {hostile}\n", 1))
    assert "stored configuration" in refused(f"resume={copy} trainer.max_steps=3")
    assert not (copy / "PWNED").exists()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return os.system, ("touch PWNED",)


LOAD = "oc.create:{_target_: torch.load, f: bomb.pt, weights_only: false}"
HUB = "oc.create:{_target_: torch.hub.load, repo_or_dir: ., model: bomb, source: local}"
LAMBDA = "_target_: lightning.pytorch.callbacks.LambdaCallback"


@pytest.mark.parametrize("verb", ["resume={copy} trainer.max_steps=3", "rerun={copy} trainer.max_steps=1"])
@pytest.mark.parametrize(
    "hostile",
    [
        rf"{{{LAMBDA}, setup: '\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '\${{{HUB}}}'}}",
        rf"{{{LAMBDA}, setup: ['\${{{LOAD}}}']}}",
        rf"{{{LAMBDA}, setup: {{a: {{b: 'x \${{{LOAD}}}'}}}}}}",
        rf"{{{LAMBDA}, setup: {{'\${{{LOAD}}}': 1}}}}",
        rf"{{{LAMBDA}, setup: '${{callbacks.evil.teardown}}', teardown: '\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '\\\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '${{.dollar}}{{{LOAD}}}', dollar: '$'}}",
        rf"{{{LAMBDA}, setup: '${{oc.decode:''\${{{LOAD}}}''}}'}}",
        rf"{{{LAMBDA}, _partial_: true, setup: '\${{{LOAD}}}'}}",
        rf"{{{LAMBDA}, setup: '\${{oc.env:HOME}}'}}",
        rf"{{{LAMBDA}, setup: '${{oc.env:HOME}}'}}",
        "'${now:%S}'",
    ],
)
def test_what_was_checked_is_what_is_built(
    verb: str, hostile: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that looks harmless must not become an object when it is resolved once more."""
    monkeypatch.chdir(copy)
    torch.save(Bomb(), "bomb.pt")
    (copy / "hubconf.py").write_text("import os\ndef bomb(): os.system('touch PWNED')\n")
    text = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(text.replace("callbacks:\n", f"callbacks:\n  evil: {hostile}\n", 1))
    before = contents(copy)
    assert "stored configuration" in refused(verb.format(copy=copy), None if "resume" in verb else copy / "again")
    assert contents(copy) == before


def test_a_secret_is_not_copied_out_of_the_environment(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", secret := secrets.token_hex())
    text = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(text.replace("callbacks:\n", "callbacks:\n  evil: '${oc.env:TOKEN}'\n", 1))
    assert "callbacks.evil of a stored configuration is '${oc.env:TOKEN}'" in refused(f"resume={copy} kimg=1")
    assert [path for path, content in contents(copy).items() if secret.encode() in content] == []


def test_a_users_own_resolvers_are_recorded_as_what_they_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the run can be resumed where the variable is another, or none."""
    monkeypatch.setenv("NORM", "layer")
    train("trainer.max_steps=1 'discriminator_norm=${oc.env:NORM}'", tmp_path / "run")
    assert OmegaConf.load(tmp_path / "run" / "config.yaml").discriminator_norm == "layer"
    monkeypatch.delenv("NORM")
    assert call(f"resume={tmp_path / 'run'} trainer.max_steps=2").status == 0


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


# ------------------------------------------------- nothing changes before it trains


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a record of everything, TensorBoard's among it; copy it before changing it."""
    folder = tmp_path_factory.mktemp("measured") / "run"
    train("trainer.max_steps=4 trainer.log_every_n_steps=1 logger=[tensorboard,csv]", folder)
    shutil.copy(folder / "checkpoints" / "last.ckpt", folder / "checkpoints" / "best.ckpt")
    return folder


@pytest.fixture
def known(measured: Path, tmp_path: Path) -> Path:
    """The run, in its own folder elsewhere."""
    return Path(shutil.copytree(measured, tmp_path / "known"))


def edit_checkpoint(file: Path, change: Any) -> None:
    """Change the content of a checkpoint in place."""
    content = torch.load(file, weights_only=True)
    change(content)
    torch.save(content, file)


def test_a_resume_with_nothing_to_do_changes_nothing(known: Path) -> None:
    before = contents(known)
    assert "nothing is left to do: the run has 4 iterations" in call(f"resume={known}").out
    assert call(f"resume={known} trainer.max_steps=3").status == 0
    assert contents(known) == before


def test_a_summary_that_was_never_written_is_made_of_the_record(known: Path) -> None:
    """The run was killed between its last checkpoint and its summary."""
    before = summary(known)
    (known / "summary.json").unlink()
    assert call(f"resume={known}").status == 0
    after = summary(known)
    assert {name: after[name] for name in ("status", "iteration", "images", "last", "quality")} == {
        name: before[name] for name in ("status", "iteration", "images", "last", "quality")
    }


def test_a_refused_resume_changes_nothing(known: Path) -> None:
    edit_checkpoint(known / "checkpoints" / "last.ckpt", lambda content: content["state_dict"].clear())
    before = contents(known)
    refused(f"resume={known} trainer.max_steps=6")
    assert contents(known) == before


def test_pictures_stand_once_in_tensorboard_after_two_resumes_from_one_checkpoint(known: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shutil.copy(known / "checkpoints" / "last.ckpt", tmp_path)
    for _ in range(2):
        shutil.copy(tmp_path / "last.ckpt", known / "checkpoints")
        assert call(f"resume={known} trainer.max_steps=6").status == 0
    shown = EventAccumulator(str(known), size_guidance={"images": 0}).Reload()
    steps = {tag: [event.step for event in shown.Images(tag)] for tag in shown.Tags()["images"]}
    assert steps == {"real": [0], "samples": [0, 4, 6]}


# ---------------------------------------------------- what comes from disk fits, or not


def cut(content: dict[str, Any]) -> None:
    del content["optimizer_states"][1]


def wrong_state(content: dict[str, Any]) -> None:
    state = content["optimizer_states"][0]["state"]
    state[0]["exp_avg"] = torch.zeros(3, 2, 1, 1)


def without_model(content: dict[str, Any]) -> None:
    content["config"]["model"] = None


FOR_ALL = [
    (lambda content: content["state_dict"].pop("average.model.layers.1.weight"), "1 tensor is missing (", True),
    (
        lambda content: content["state_dict"].update({"average.model.more": torch.ones(1)}),
        "1 tensor is unknown (",
        True,
    ),
    (lambda content: content["state_dict"].clear(), " tensors are missing (", True),
    (lambda content: content.pop("state_dict"), "no 'state_dict'", True),
    (lambda content: content["state_dict"].update(other="text"), "1 tensor is no tensor (other)", True),
    (lambda content: content["gan_lightning"].pop("counters"), "has no 'counters'", True),
    (lambda content: content["gan_lightning"]["counters"].update(iteration="x"), "its 'iteration' is 'x'", True),
    (without_model, "its 'config.model' is 'None'", True),
    (lambda content: content.update(config=None), "its 'config' is 'None'", True),
    (lambda content: content.update(gan_lightning=None), "lacks the 'gan_lightning' record", True),
    (cut, "the state of 1 optimizers, and the game has 2", False),
    (lambda content: content.pop("optimizer_states"), "no 'optimizer_states'", False),
    (lambda content: content.update(optimizer_states="ab"), "its 'optimizer_states' is 'ab'", False),
    (lambda content: content.update(optimizer_states=[1, 2]), "hold no state of an optimizer", False),
    (lambda content: content["optimizer_states"][1]["state"].pop(0), "optimizer.discriminator lacks 1 of", False),
    (lambda content: content["optimizer_states"].reverse(), "optimizer.generator is of another model", False),
    (wrong_state, "a 'exp_avg' is [3, 2, 1, 1] and its parameter", False),
    (lambda content: content.pop("loops"), "no 'loops'", False),
    (lambda content: content["loops"].update(fit_loop={}), "no 'loops.fit_loop.epoch_progress'", False),
    (
        lambda content: content["gan_lightning"].update(scalars={"a": 1}),
        "last.ckpt does not hold what it should",
        False,
    ),
]


@pytest.mark.parametrize(("change", "says", "for_all"), FOR_ALL)
def test_a_checkpoint_that_opens_and_does_not_fit(change: Any, says: str, for_all: bool, known: Path) -> None:
    """One line says what differs, and nothing changes; what is needed for going on alone stops no other verb."""
    from verbs import refused as verb_refused

    from gan_lightning.evaluate.command import main as evaluate
    from gan_lightning.export.command import main as export
    from gan_lightning.generate.command import main as generate

    edit_checkpoint(known / "checkpoints" / "last.ckpt", change)
    before = contents(known)
    assert says in refused(f"resume={known} trainer.max_steps=6")
    if for_all:
        for verb, options in (
            (generate, "count=1 threads=1"),
            (export, "formats=[]"),
            (evaluate, "n_fake=8 threads=1"),
        ):
            assert says in verb_refused(verb, f"{known} {options}")
    assert contents(known) == before


def test_torchs_advice_to_load_anything_is_not_passed_on(known: Path) -> None:
    torch.save({"gan_lightning": Bomb()}, known / "checkpoints" / "last.ckpt")
    answer = refused(f"resume={known} trainer.max_steps=6")
    assert "holds something else than tensors and plain values" in answer
    assert "weights_only" not in answer


def test_a_record_of_something_else_is_named(known: Path) -> None:
    (known / "metrics.jsonl").write_text('"text"\n')
    before = contents(known)
    assert "metrics.jsonl, line 1 is no record of a number" in refused(f"resume={known} trainer.max_steps=6")
    assert contents(known) == before


# ------------------------------------------------------------ whose folder it is


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


def test_a_run_is_resumed_by_its_last_checkpoint_too(known: Path) -> None:
    assert call(f"resume={known / 'checkpoints' / 'last.ckpt'} trainer.max_steps=5").status == 0
    assert summary(known)["iteration"] == 5
    assert "goes on from its last checkpoint" in refused(f"resume={known / 'checkpoints' / 'best.ckpt'}")


@pytest.mark.parametrize("option", ["callbacks.checkpoint.folder", "callbacks.samples.folder", "logger.csv.save_dir"])
def test_a_stored_configuration_writes_into_its_own_run(option: str, known: Path, measured: Path) -> None:
    """Another run's path in it would make resume= overwrite that run's checkpoint."""
    config = OmegaConf.load(known / "config.yaml")
    OmegaConf.update(config, option, str(measured))
    OmegaConf.save(config, known / "config.yaml")
    before = contents(measured), contents(known)
    assert f"{option}={measured} of a stored configuration lies outside" in refused(f"resume={known} kimg=1")
    assert (contents(measured), contents(known)) == before
    OmegaConf.update(config, option, "${run.folder}/../../elsewhere")
    OmegaConf.save(config, known / "config.yaml")
    assert "lies outside the run folder" in refused(f"resume={known} kimg=1")


@pytest.mark.parametrize("verb", ["resume", "rerun"])
@pytest.mark.parametrize(
    "change",
    [
        {"logger.csv.name": "{place}"},
        {"logger.csv.name": "../../elsewhere"},
        {"logger.csv.version": "{place}"},
        {"logger.csv": {"_target_": "lightning.pytorch.loggers.CSVLogger", "_args_": ["{place}"]}},
        {"callbacks.samples": {"_target_": "gan_lightning.callbacks.Samples", "_args_": ["{place}"]}},
        {"callbacks.timer": {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint", "filename": "{place}/x"}},
    ],
    ids=str,
)
def test_whatever_a_place_is_called_a_stored_configuration_does_not_lead_there(
    change: dict[str, Any], verb: str, known: Path, tmp_path: Path
) -> None:
    config = OmegaConf.load(known / "config.yaml")
    ((option, value),) = change.items()
    place = tmp_path / "elsewhere"
    OmegaConf.update(config, option, yaml.safe_load(yaml.safe_dump(value).replace("{place}", str(place))), merge=False)
    OmegaConf.save(config, known / "config.yaml")
    before = contents(known)
    words = f"resume={known} kimg=1" if verb == "resume" else f"rerun={known} hydra.run.dir={tmp_path / 'again'}"
    assert f"{option}" in (says := refused(words))
    assert "of a stored configuration" in says
    assert contents(known) == before
    assert not place.exists()
    assert not (tmp_path / "again").exists()


def test_a_place_on_the_command_line_is_the_users_own(known: Path, tmp_path: Path) -> None:
    answer = call(f"resume={known} trainer.max_steps=5 callbacks.samples.folder={tmp_path / 'mine'}")
    assert answer.status == 0, answer.err
    assert list((tmp_path / "mine").rglob("*.png"))


@pytest.mark.parametrize("verb", ["resume", "rerun"])
def test_a_stored_configuration_downloads_nothing_unasked(verb: str, known: Path, tmp_path: Path) -> None:
    """Neither does it create the folder that it names."""
    config = OmegaConf.load(known / "config.yaml")
    place = tmp_path / "somebodys" / "data"
    mnist = {"_target_": "gan_lightning.data.sets.torchvision_sets.MNIST", "data_dir": str(place), "batch_size": 4}
    facts = dict.fromkeys(("channels", "resolution", "num_classes"))
    config.data = {**mnist, "download": True, "n_critic": 1, "seed": 0, **facts}
    OmegaConf.save(config, known / "config.yaml")
    words = f"resume={known} kimg=1" if verb == "resume" else f"rerun={known} hydra.run.dir={tmp_path / 'again'}"
    assert "data.download=true fetches them" in refused(words)
    assert not place.parent.exists()


# --------------------------------------------------------------- valid, or said


@pytest.mark.parametrize("sweep", ["", "-m seed=0,1 "])
def test_both_players_may_have_a_learning_rate_of_their_own(sweep: str, tmp_path: Path) -> None:
    rates = "optimizer.generator.lr=1e-4 optimizer.discriminator.lr=4e-4"
    place = f"hydra.sweep.dir={tmp_path}" if sweep else f"hydra.run.dir={tmp_path / 'run'}"
    assert call(f"{sweep}{TINY} trainer.max_steps=1 {rates} {place}").status == 0
    if not sweep:
        assert call(f"resume={tmp_path / 'run'} trainer.max_steps=2 optimizer.generator.lr=2e-4").status == 0


def test_what_is_legal_and_rarely_meant_is_said(tmp_path: Path) -> None:
    line = "trainer.max_steps=1 data.batch_size=1 optimizer.generator.lr=0"
    said = train(line, tmp_path / "run").out
    assert "warning: optimizer.generator.lr is 0" in said
    assert "warning: model.generator has batch norm" in said
    assert "warning: optimizer.discriminator.lr" not in said


def test_a_run_may_do_without_callbacks(tmp_path: Path) -> None:
    line = "data.batch_size=8 model.generator.width=4 trainer.accelerator=cpu logger=[] threads=1 callbacks=[]"
    assert call(f"{line} trainer.max_steps=1", tmp_path / "run").status == 0


# ------------------------------------------------------- the operating system refuses


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")
    assert "metrics.jsonl: No space left on device" in refused(f"{TINY} trainer.max_steps=1", tmp_path / "run")


def test_a_record_that_cannot_be_replaced_is_one_line(known: Path) -> None:
    (known / "resolved.yaml").unlink()
    (known / "resolved.yaml").mkdir()
    assert "Can't write the run folder" in refused(f"resume={known} trainer.max_steps=6")


@pytest.mark.parametrize("gone", ["closed pipe", "full disk"])
def test_output_that_nobody_reads_ends_nothing(gone: str, tmp_path: Path) -> None:
    if gone == "closed pipe":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open("/dev/full", os.O_WRONLY)
    words = [*TINY.split(), "trainer.max_steps=2", f"hydra.run.dir={tmp_path / 'run'}"]
    source = str(Path(gan_lightning.__file__).parents[1])
    command = [sys.executable, "-c", "from gan_lightning.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(command, stdout=writing, stderr=writing, env=environment, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert summary(tmp_path / "run")["iteration"] == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--foo", "unrecognized arguments: --foo: options are written as option=value (python train.py --help)."),
        ("-m --bar=1 seed=1", "unrecognized arguments: --bar=1: options are written as option=value"),
        ("loss=[a", "If the value is a text, put it in quotes twice: 'loss='\"'\"'[a'\"'\"''."),
    ],
)
def test_flags_and_quotes_in_one_line(line: str, says: str, tmp_path: Path) -> None:
    assert says in refused(line, tmp_path)


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


def test_a_refused_start_leaves_no_folder_of_a_logger(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train("trainer.max_steps=1 logger=[csv,tensorboard]", run)
    before = sorted(run.rglob("*"))
    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    for state in content["optimizer_states"]:
        state["state"] = {}
    content["optimizer_states"][0]["param_groups"][0]["params"] = [0]
    torch.save(content, run / "checkpoints" / "last.ckpt")
    assert "is of another model" in refused(f"resume={run} trainer.max_steps=2")
    assert sorted(run.rglob("*")) == before


def test_csv_has_what_the_checkpoint_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning's logger keeps a hundred lines back, which a kill would take."""
    seen: list[str] = []
    original = Checkpoint.on_train_end

    def look_first(self: Checkpoint, *args: Any) -> None:
        seen.append((tmp_path / "csv" / "version_0" / "metrics.csv").read_text())
        original(self, *args)

    monkeypatch.setattr(Checkpoint, "on_train_end", look_first)
    words = "trainer.max_steps=3 trainer.log_every_n_steps=1 logger=[csv] callbacks.checkpoint.every_iterations=2"
    train(words, tmp_path)
    assert len(seen[0].splitlines()) > 1
