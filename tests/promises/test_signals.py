"""Runs that a signal or a death ends leave a checkpoint if there is time, an honest status and no process."""

from __future__ import annotations

import os
import signal
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


@pytest.mark.slow
def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    process = games.start_run(*games.TINY, *ENDLESS, f"hydra.run.dir={run}", output=log)
    (pid,) = games.pids(run, 1)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGINT)
    assert games.status(process, 10) != 0
