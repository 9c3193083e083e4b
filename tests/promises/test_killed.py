"""A sweep of two models and two losses on two processes each is killed in the middle and run again."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import games
import pytest

pytestmark = [pytest.mark.forks, pytest.mark.slow]

LINE = (
    *("-m", "model=mlp,dcgan", "loss=non_saturating,hinge", "trainer.devices=2"),
    *("data=digits", "data.batch_size=8", "trainer.accelerator=cpu", "threads=1", "trainer.max_steps=20"),
    *("callbacks.checkpoint.every_iterations=4", "callbacks.samples.count=4"),
)
JOBS, KILLED_IN = 4, 2


def summaries(sweep: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in sweep.glob("*/summary.json")}


@pytest.mark.timeout(900)
def test_a_killed_sweep_is_finished_by_the_same_line(tmp_path: Path) -> None:
    sweep, log = tmp_path / "sweep", tmp_path / "first.log"
    line = (*LINE, f"hydra.sweep.dir={sweep}")
    process = games.start_run(*line, output=log)

    def in_the_middle() -> Path | None:
        under_way = (path.parents[1] for path in sweep.glob("*/checkpoints/last.ckpt"))
        left = [job for job in under_way if not (job / "summary.json").exists()]
        return left[0] if left and len(summaries(sweep)) >= KILLED_IN - 1 else None

    cut = games.wait_for(in_the_middle, 400, "the job to be killed in")
    ranks = games.pids(cut, 2)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    games.status(process, 10)
    games.wait_for(lambda: not any(map(games.alive, ranks)), 10, "the end of its ranks")
    before = summaries(sweep)
    assert cut.name not in before

    again = tmp_path / "again.log"
    assert games.run(*line, output=again, timeout=400) == 0, again.read_text()
    after = summaries(sweep)
    assert len(after) == JOBS
    assert {name: after[name] for name in before} == before
    assert {(each["status"], each["iteration"], each["world_size"]) for each in after.values()} == {("done", 20, 2)}
    assert [rank["iteration"] % 4 for rank in games.rank_files(cut, attempt=1)] == [0, 0]
    done, new = len(before), JOBS - 1 - len(before)
    assert f"{JOBS} job(s): {new} trained, 1 resumed and finished, {done} done already" in again.read_text()
