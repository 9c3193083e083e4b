"""A run that was killed goes on as if it had not been: the same weights, averages, optimizer states and curves."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

pytestmark = pytest.mark.forks

EPOCH = 5  # iterations: 40 images, 8 an iteration


class KillAt(Callback):
    """Ends its own process as a power cut would, after the callbacks before it had their turn."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.iteration == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)


def differences(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """Places where two checkpoints differ in a bit."""
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
    """Everything that training made is the same bit by bit."""
    ours, theirs = games.state(whole), games.state(resumed)
    for part in ("state_dict", "optimizer_states", "gan_lightning"):
        assert differences(ours[part], theirs[part], part) == []
    expected, actual = games.records(whole), games.records(resumed)
    # an attempt that ended in the middle of an interval has written what it had, which stays
    assert {key: actual[key] for key in expected} == pytest.approx(expected, abs=1e-6)


def killed_and_resumed(folder: Path, save_at: int, kill_at: int, end: list[str], *options: str) -> Path:
    """A run killed by SIGKILL after a checkpoint, and taken up again."""
    run = folder / "killed"
    kill = [f"+callbacks.kill={{_target_: test_resume.KillAt, iteration: {kill_at}}}"]
    words = [*games.TINY, *options, *end, *kill, f"callbacks.checkpoint.every_iterations={save_at}"]
    assert games.run(*words, f"hydra.run.dir={run}", output=folder / "killed.log") == -signal.SIGKILL
    left_behind = [file["pid"] for file in games.rank_files(run)]
    games.wait_for(lambda: not any(map(games.alive, left_behind)), 5, "the end of the other rank")
    assert games.state(run)["gan_lightning"]["counters"]["iteration"] == save_at
    words = [f"resume={run}", "allow=[games,test_resume]", "callbacks.kill.iteration=-1", *end]
    assert games.run(*words, output=folder / "resumed.log") == 0, (folder / "resumed.log").read_text()
    return run


def start_whole(folder: Path, end: list[str], *options: str) -> Callable[[], Path]:
    """Start the same run, not to be killed; the function that is given waits for it."""
    run, log = folder / "whole", folder / "whole.log"
    process = games.start_run(*games.TINY, *options, *end, f"hydra.run.dir={run}", output=log)

    def finished() -> Path:
        assert games.status(process, 120) == 0, log.read_text()
        return run

    return finished


@pytest.mark.parametrize("devices", [1, 2])
def test_killed_in_an_epoch_and_resumed_is_bit_identical(devices: int, tmp_path: Path) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=4")
    end = ["trainer.max_steps=17"]
    whole = start_whole(tmp_path, end, *options)
    run = killed_and_resumed(tmp_path, 7, 12, end, *options)
    assert_same_run(whole(), run)
    assert [file["iteration"] for file in games.rank_files(run, attempt=1)] == [7] * devices


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("limit", ["max_epochs", "max_steps"])
@pytest.mark.parametrize(
    ("save_at", "kill_at"), [(7, 9), (2 * EPOCH, 12), (2 * EPOCH, 2 * EPOCH)], ids=["mid-epoch", "epoch end", "at once"]
)
def test_every_way_to_be_killed(limit: str, save_at: int, kill_at: int, devices: int, tmp_path: Path) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=3", "n_critic=1")
    end = [f"trainer.{limit}={4 if limit == 'max_epochs' else 4 * EPOCH}"]
    whole = start_whole(tmp_path, end, *options)
    run = killed_and_resumed(tmp_path, save_at, kill_at, end, *options)
    assert_same_run(whole(), run)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("limit", ["max_epochs", "max_steps"])
def test_a_finished_run_goes_on_as_if_it_had_been_longer(limit: str, devices: int, tmp_path: Path) -> None:
    options = (f"trainer.devices={devices}", "trainer.log_every_n_steps=3")
    unit = 1 if limit == "max_epochs" else EPOCH
    short, long = ([f"trainer.{limit}={epochs * unit}"] for epochs in (2, 4))
    (tmp_path / "long").mkdir()
    whole = start_whole(tmp_path / "long", long, *options)
    run = start_whole(tmp_path, short, *options)()
    assert games.run(f"resume={run}", "allow=[games]", *long, output=tmp_path / "resumed.log") == 0
    assert_same_run(whole(), run)


@pytest.mark.slow
def test_dcgan_is_resumed_bit_identically(tmp_path: Path) -> None:
    model = ("model=dcgan", "model.generator.width=4", "loss=wgan_gp", "n_critic=2", "model.discriminator.norm=layer")
    end = ["trainer.max_steps=11"]

    def run(name: str, *words: str) -> Path:
        folder = tmp_path / name
        log = tmp_path / f"{name}.log"
        assert games.run(*words, output=log) == 0, log.read_text()
        return folder

    expected = run("whole", *games.QUICK, *model, *end, f"hydra.run.dir={tmp_path / 'whole'}")
    run("half", *games.QUICK, *model, "trainer.max_steps=6", f"hydra.run.dir={tmp_path / 'half'}")
    assert_same_run(expected, run("half", f"resume={tmp_path / 'half'}", "allow=[games]", *end))
