"""Who takes part in a run: the same job on every rank, in one folder, or a message in a few seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import games
import pytest
from door import TINY, call

from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import Devices, external_rank, resolve_devices

pytestmark = pytest.mark.forks

ROOT = Path(__file__).resolve().parents[2]
TRAIN = str(ROOT / "train.py")

LOSS = '''
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Mine:
    """Wasserstein, some distance apart."""

    distance: float = 1.0

    def discriminator(self, real, fake, draw):
        return (fake - real + self.distance).mean()

    def generator(self, fake, real):
        return -fake.mean()
'''
RECIPE = """# @package _global_
defaults:
  - override /penalty: []
  - override /constraint: []
loss:
  _target_: my_loss.Mine
  distance: 2.0
n_critic: 2
"""


def environment(*import_path: Path) -> dict[str, str]:
    """The environment of this process, with further folders on Python's path."""
    folders = [*import_path, ROOT / "src", ROOT / "tests" / "support"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}


def test_a_loss_is_one_file_and_one_yaml_outside_the_repository_on_two_devices(tmp_path: Path) -> None:
    (tmp_path / "my_loss.py").write_text(LOSS)
    (tmp_path / "conf" / "loss").mkdir(parents=True)
    (tmp_path / "conf" / "loss" / "mine.yaml").write_text(RECIPE)
    words = [*games.TINY, "loss=mine", "trainer.max_steps=2", "trainer.devices=2", "seed=5", "optimizer.lr=0.003"]
    command = [sys.executable, TRAIN, "--config-dir", str(tmp_path / "conf"), *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (run,) = (
        path.parent for path in (tmp_path / "runs").rglob("resolved.yaml") if path.parent.parent.name != "attempts"
    )
    ranks = games.rank_files(run)
    assert [rank["rank"] for rank in ranks] == [0, 1]
    for rank in ranks:
        assert rank["loss"] == "Mine(distance=2.0)"
        assert (rank["world_size"], rank["seed"], rank["n_critic"], rank["batch_size"]) == (2, 5, 2, 8)
        assert rank["learning_rates"] == {"generator": 0.003, "discriminator": 0.003}
        assert not games.alive(rank["pid"])
    assert games.state(run)["gan_lightning"]["counters"]["images_seen"] == 2 * 2 * 8


def test_a_rank_that_cannot_build_ends_the_run_in_seconds(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    words = [*games.TINY, "trainer.devices=2", "trainer.max_steps=1000000", f"hydra.run.dir={tmp_path / 'run'}"]
    started = time.monotonic()
    assert games.run(*words, "loss._target_=failing.FailsOnTheOther", output=log, timeout=40) == 2
    assert time.monotonic() - started < 30  # most of it is the other interpreter's start
    assert "Traceback" not in log.read_text()
    its_own, ours = log.read_text().splitlines()[-2:]
    assert its_own.startswith("error (process 1): no loss in process ")
    assert ours.startswith("error: Process 1 of this run ended with status 1")
    assert not games.alive(int(its_own.split()[-1]))


def test_what_both_processes_of_a_job_met_is_written_down(tmp_path: Path) -> None:
    """The record is that of the second process, because the first can't tell its error from a lost connection.

    If the second process is slow to end, the first records its own error, which is the same here.
    """
    words = "trainer.devices=2 trainer.max_steps=1 loss._target_=failing.FailsOnBoth"
    assert call(f"-m {TINY} {words} hydra.sweep.dir={tmp_path}").status == 2
    (failure,) = tmp_path.glob("*/failure.json")
    record = json.loads(failure.read_text())
    assert record["kind"] == "error"
    assert record["message"].endswith("RuntimeError: shapes cannot be multiplied")
    assert "in discriminator" in (failure.parent / "traceback.txt").read_text()


def torchrun_started(patch: pytest.MonkeyPatch, world_size: int, rank: int) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": world_size, "RANK": rank, "LOCAL_RANK": rank}.items():
        patch.setenv(name, str(value))


def test_torchrun_with_another_number_of_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    torchrun_started(monkeypatch, world_size=3, rank=1)
    assert external_rank() == 1
    assert resolve_devices("cpu", 3, 1) == Devices("cpu", 3, 1)
    with pytest.raises(UserError, match=r"torchrun started 3 process\(es\), but trainer.devices=2 .* ask for 2"):
        resolve_devices("cpu", 2, 1)


def test_a_slurm_job_with_one_task_and_two_devices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is refused, because Lightning alone would silently train with a single process."""
    for name, value in {
        "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_JOB_NAME": "gan",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"SLURM started 1 process\(es\), but trainer.devices=2 .* ask for 2"):
        resolve_devices("cpu", 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [2, 3])
def test_torchrun_makes_one_run_of_its_processes(devices: int, tmp_path: Path) -> None:
    words = [*games.TINY, "trainer.max_steps=2", f"trainer.devices={devices}"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, TRAIN, *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300)
    if devices == 3:
        assert done.returncode != 0
        assert "error: torchrun started 2 process(es), but trainer.devices=3" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("batch 8 over 2 cpu process(es)") == 1
    (run,) = (tmp_path / "runs").glob("*/*")
    assert [(rank["rank"], rank["world_size"]) for rank in games.rank_files(run)] == [(0, 2), (1, 2)]
