"""Runs that a signal or a death ends leave a checkpoint if there is time, an honest status and no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import games
import pytest
from same_run import assert_same_run, start_whole

from gan_lightning.callbacks.checkpoint import AGREE_EVERY

pytestmark = pytest.mark.forks

ENDLESS = ("trainer.max_steps=1000000", "callbacks.checkpoint.every_iterations=null")


def stopped(number: int, devices: int, folder: Path, *options: str) -> Path:
    """A run all of whose processes got a signal to end, as a scheduler (SIGTERM) or a terminal (SIGINT) sends it."""
    run, log = folder / "run", folder / "run.log"
    words = [*games.TINY, *ENDLESS, *options, f"trainer.devices={devices}", f"hydra.run.dir={run}"]
    process = games.start_run(*words, output=log)
    ranks = games.pids(run, devices)
    os.killpg(ranks[0], number)
    assert games.status(process, 10) == 128 + number, log.read_text()
    assert not any(games.alive(pid) for pid in ranks)
    assert f"Stopped by {signal.Signals(number).name}. Go on with: python train.py resume={run}" in log.read_text()
    assert "Traceback" not in log.read_text()
    return run


def iterations(run: Path) -> int:
    return int(games.state(run)["gan_lightning"]["counters"]["iteration"])


def test_sigterm_saves_and_resumes_bit_identically(tmp_path: Path) -> None:
    run = stopped(signal.SIGTERM, 1, tmp_path, rare_curves := "trainer.log_every_n_steps=1000000")
    end = [f"trainer.max_steps={iterations(run) + 7}"]
    whole = start_whole(tmp_path, end, rare_curves)
    log = tmp_path / "resumed.log"
    assert games.run(f"resume={run}", "allow=[games]", *end, output=log) == 0, log.read_text()
    assert_same_run(whole(), run)


def test_sigterm_to_both_ranks_saves(tmp_path: Path) -> None:
    assert iterations(stopped(signal.SIGTERM, 2, tmp_path)) % AGREE_EVERY == 0


def test_ctrl_c_saves(tmp_path: Path) -> None:
    assert iterations(stopped(signal.SIGINT, 1, tmp_path)) > 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_lost_terminal_and_slurms_notice_save(number: int, tmp_path: Path) -> None:
    assert iterations(stopped(number, 1, tmp_path)) > 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_they_save_on_two_devices(number: int, tmp_path: Path) -> None:
    assert iterations(stopped(number, 2, tmp_path)) % AGREE_EVERY == 0


@pytest.mark.parametrize("asked", [False, True])
def test_slurm_queues_a_job_again_only_if_it_is_asked_to(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scontrol, said = tmp_path / "bin" / "scontrol", tmp_path / "said"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{scontrol.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    stopped(signal.SIGUSR1, 1, tmp_path, f"callbacks.checkpoint.requeue={asked}")
    assert (said.read_text() if said.exists() else "") == ("requeue 4711\n" if asked else "")


@pytest.mark.slow
def test_ctrl_c_on_two_devices_saves(tmp_path: Path) -> None:
    assert iterations(stopped(signal.SIGINT, 2, tmp_path)) % AGREE_EVERY == 0


def test_a_killed_rank_ends_the_run_with_a_message(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    process = games.start_run(*games.TINY, *ENDLESS, "trainer.devices=2", f"hydra.run.dir={run}", output=log)
    ranks = games.pids(run, 2)
    os.kill(ranks[1], signal.SIGKILL)
    assert games.status(process, 15) == 2
    assert log.read_text().splitlines()[-1].startswith("error: Process 1 of this run ended with status -9")
    assert "Traceback" not in log.read_text()
    assert not any(games.alive(pid) for pid in ranks)
    assert not (run / "checkpoints" / "last.ckpt").exists()  # because the ranks may have had different weights


@pytest.mark.parametrize("devices", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_second_ctrl_c_ends_at_once(devices: int, tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    slow = ("+callbacks.slow._target_=games.Slow", f"trainer.devices={devices}")
    process = games.start_run(*games.TINY, *ENDLESS, *slow, f"hydra.run.dir={run}", output=log)
    ranks = games.pids(run, devices)
    os.kill(ranks[0], signal.SIGINT)
    time.sleep(0.2)
    os.kill(ranks[0], signal.SIGINT)
    assert games.status(process, 10) == 130
    assert "interrupted at once: what was trained since the last checkpoint is lost" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert not any(games.alive(pid) for pid in ranks)
    assert not (run / "checkpoints" / "last.ckpt").exists()


def test_an_error_between_two_iterations_saves_exactly(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    broken = ("+callbacks.broken._target_=games.Broken", "+callbacks.broken.after=5")
    assert games.run(*games.TINY, *ENDLESS, *broken, f"hydra.run.dir={run}", output=log) == 1, log.read_text()
    assert f"saved before an error ends the run: {run / 'checkpoints' / 'last.ckpt'}" in log.read_text()
    assert "a bug in somebody's callback" in log.read_text()
    assert iterations(run) == 5
    end = ["trainer.max_steps=9"]
    whole = start_whole(tmp_path, end)
    mended = [f"resume={run}", "allow=[games]", *end, "callbacks.broken.after=100"]
    assert games.run(*mended, output=log) == 0, log.read_text()
    assert "halfway" not in log.read_text()
    assert_same_run(whole(), run)


def test_an_error_in_an_iteration_saves_and_the_next_attempt_says_so(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    words = [*games.TINY, *ENDLESS, "loss._target_=games.Breaking", f"hydra.run.dir={run}"]
    assert games.run(*words, output=log) == 1, log.read_text()
    assert "saved before an error ends the run" in log.read_text()
    assert iterations(run) == 3
    resumed = [f"resume={run}", "allow=[games]", "trainer.max_steps=5"]
    assert games.run(*resumed, output=log) == 0, log.read_text()
    assert "warning: an error ended iteration 3 halfway" in log.read_text()
    assert "halfway" not in games.state(run)["gan_lightning"]


def test_what_diverged_is_not_saved(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    steep = ("optimizer.lr=1e38", "trainer.log_every_n_steps=1")
    assert games.run(*games.TINY, *ENDLESS, *steep, f"hydra.run.dir={run}", output=log) == 2, log.read_text()
    assert not (run / "checkpoints" / "last.ckpt").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
@pytest.mark.parametrize("swallowed", [False, True])
def test_a_signal_before_training_ends_a_command_in_order(name: str, swallowed: bool, tmp_path: Path) -> None:
    """From the first import on, and also if a package that is being imported makes another error of the exit."""
    caught = "try:\n    time.sleep(60)\nexcept SystemExit:\n    raise RecursionError" if swallowed else "time.sleep(60)"
    (tmp_path / "slow.py").write_text(f"import time\nprint('begun', flush=True)\n{caught}\n")
    program = "from gan_lightning.terminal import start; start('slow')"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=games.heed_signals,  # no threads run here
    )
    assert process.stdout is not None
    process.stdout.readline()
    number = signal.Signals[name]
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert said.strip() == ("interrupted" if number == signal.SIGINT else f"ended by {name}")
