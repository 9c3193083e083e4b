"""A sweep that is stopped leaves no process behind, and the same command line continues it."""

from __future__ import annotations

import os
import shlex
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import games
import pytest

pytestmark = [pytest.mark.forks, pytest.mark.slow, pytest.mark.timeout(900)]

ENDLESS = ("trainer.max_steps=1000000", "callbacks.checkpoint.every_iterations=null")


def started(folder: Path, log: Path, *words: str) -> BaseProcess:
    return games.start_run("-m", *games.TINY, "seed=0,1", *ENDLESS, *words, f"hydra.sweep.dir={folder}", output=log)


def training(sweep: Path, processes: int, pattern: str = "seed-0*") -> list[int]:
    """The ranks of a job, as soon as they train."""
    job = games.wait_for(lambda: next(sweep.glob(f"{pattern}/attempts"), None), 300, "a job").parent
    return games.pids(job, processes, timeout=300)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_whole_sweep_and_says_how_to_go_on(number: int, tmp_path: Path) -> None:
    sweep, log = tmp_path / "sweep", tmp_path / "sweep.log"
    process = started(sweep, log, "trainer.devices=2")
    ranks = training(sweep, 2)
    os.kill(ranks[0], number)
    assert games.status(process, 30) == 128 + number
    assert not any(games.alive(pid) for pid in ranks)
    assert [path.name[:7] for path in sweep.glob("seed*")] == ["seed-0-"]
    said = log.read_text()
    assert "Traceback" not in said
    line = said.splitlines()[-1]
    assert line.startswith("0 job(s) ended before. Go on with the same line: python train.py -m ")
    assert shlex.split(line)[-3:] == [*ENDLESS[1:], "trainer.devices=2", f"hydra.sweep.dir={sweep}"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_of_jobs_side_by_side_leaves_nobody_behind(number: int, tmp_path: Path) -> None:
    sweep, log = tmp_path / "sweep", tmp_path / "sweep.log"
    process = started(sweep, log, "hydra/launcher=joblib")
    pids = [*training(sweep, 1, "seed-0*"), *training(sweep, 1, "seed-1*")]
    assert process.pid is not None
    os.kill(process.pid, number)
    assert games.status(process, 100) == (-number if number == signal.SIGKILL else 128 + number)
    games.wait_for(lambda: not any(map(games.alive, pids)), 30, "the end of the jobs")
