"""What a user types wrongly, or rarely means, and what the operating system refuses: each is said in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from door import TINY, call, refused, train
from outcomes import summary

import gan_lightning


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
        ("callbacks.sample.count=3", "Did you mean callbacks.samples.count "),
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


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")
    assert "metrics.jsonl: No space left on device" in refused(f"{TINY} trainer.max_steps=1", tmp_path / "run")


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
