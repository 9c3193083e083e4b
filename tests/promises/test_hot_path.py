"""What an iteration must not do: many Python calls, calls of hooks that nobody overrides, objects that stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import games
import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLS = 520
"""Calls of Python functions in one iteration of a tiny pair, those of torch's own modules and optimizers included."""


def train(*words: str, timeout: float = 120) -> None:
    """Run ``python train.py`` in a fresh interpreter, because in this one the types of all arguments are checked."""
    command = [sys.executable, ROOT / "train.py", *games.TINY, "+data.num_images=2000", *words]
    path = os.pathsep.join([str(ROOT / "tests" / "support"), *sys.path])
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path}, timeout=timeout)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``python train.py`` does in 200 iterations of a tiny pair, with the callbacks and loggers of a usual run."""
    folder = tmp_path_factory.mktemp("counted")
    counting = f"{{_target_: counting.Counting, file: {folder / 'counts.json'}, first: 20, last: 220}}"
    words = (f"+callbacks.counting={counting}", "trainer.max_steps=230", "trainer.log_every_n_steps=10")
    train(*words, f"hydra.run.dir={folder / 'run'}")
    found: dict[str, Any] = json.loads((folder / "counts.json").read_text())
    return found


@pytest.mark.slow
def test_nothing_grows_over_five_thousand_iterations(tmp_path: Path) -> None:
    """Sheets, checkpoints, curves and the doctor included, whose memory is full after the first thousand or two."""
    growing = f"{{_target_: growing.Growing, file: {tmp_path / 'notes.json'}, at: [2000, 7000]}}"
    words = (f"+callbacks.growing={growing}", "trainer.max_steps=7001", "callbacks.samples.every_kimg=4")
    train(*words, f"hydra.run.dir={tmp_path / 'run'}", timeout=1200)
    first, last = json.loads((tmp_path / "notes.json").read_text())
    assert last["objects"] - first["objects"] < 100
    assert last["resident"] - first["resident"] < 20e6


def test_an_iteration_makes_few_calls(counted: dict[str, Any]) -> None:
    assert counted["calls"] < CALLS, counted["most"]


def test_no_hook_is_called_that_nobody_overrides(counted: dict[str, Any]) -> None:
    assert counted["hooks"] == {}


def test_nothing_grows(counted: dict[str, Any]) -> None:
    assert counted["grown"] <= 0.05 * 200
