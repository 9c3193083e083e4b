"""Runs that are killed and resumed, and then compared bit by bit with one that was left alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

EPOCH = 5  # number of iterations in an epoch of 40 images, 8 in each iteration


class KillAt(Callback):
    """Kills its own process as a power cut would, after the callbacks before this one had their turn."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.iteration == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)


def differences(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """Names of the places at which two checkpoints differ in any bit."""
    if isinstance(ours, Tensor):
        return [] if torch.equal(ours, theirs) else [where]
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        return [place for key in ours for place in differences(ours[key], theirs[key], f"{where}.{key}")]
    if isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), where
        pairs = zip(ours, theirs, strict=True)
        return [place for i, (a, b) in enumerate(pairs) for place in differences(a, b, f"{where}[{i}]")]
    return [] if ours == theirs else [where]


def assert_same_run(whole: Path, resumed: Path) -> None:
    """Check that two runs left the same checkpoints, bit by bit, and the same curves."""
    ours, theirs = games.state(whole), games.state(resumed)
    for part in ("state_dict", "optimizer_states", "gan_lightning"):
        assert differences(ours[part], theirs[part], part) == []
    expected, actual = games.records(whole), games.records(resumed)
    # an attempt that ended in the middle of an interval has written an additional point, which stays
    assert {key: actual[key] for key in expected} == pytest.approx(expected, abs=1e-6)


def killed_and_resumed(
    folder: Path, save_at: int, kill_at: int, end: list[str], *options: str, tiny: Sequence[str] = games.TINY
) -> Path:
    """Start a run, kill it by SIGKILL after a checkpoint, resume it, and return its folder.

    Args:
        folder: Where the run folder and what the run prints are put.
        save_at: The iteration of the checkpoint.
        kill_at: The iteration at whose start the run is killed.
        end: Options that say how long the run trains.
        options: Further options.
        tiny: Options that choose a small game and its data.
    """
    run = folder / "killed"
    kill = [f"+callbacks.kill={{_target_: same_run.KillAt, iteration: {kill_at}}}"]
    words = [*tiny, *options, *end, *kill, f"callbacks.checkpoint.every_iterations={save_at}"]
    assert games.run(*words, f"hydra.run.dir={run}", output=folder / "killed.log") == -signal.SIGKILL
    left_behind = [file["pid"] for file in games.rank_files(run)]
    games.wait_for(lambda: not any(map(games.alive, left_behind)), 5, "the end of the other rank")
    assert games.state(run)["gan_lightning"]["counters"]["iteration"] == save_at
    words = [f"resume={run}", "allow=[games,same_run,translation]", "callbacks.kill.iteration=-1", *end]
    assert games.run(*words, output=folder / "resumed.log") == 0, (folder / "resumed.log").read_text()
    return run


def start_whole(folder: Path, end: list[str], *options: str, tiny: Sequence[str] = games.TINY) -> Callable[[], Path]:
    """Start the same run without a kill, and return a function that waits for its end and returns its folder."""
    run, log = folder / "whole", folder / "whole.log"
    process = games.start_run(*tiny, *options, *end, f"hydra.run.dir={run}", output=log)

    def finished() -> Path:
        assert games.status(process, 120) == 0, log.read_text()
        return run

    return finished
