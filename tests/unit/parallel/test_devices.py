"""The number of processes of a run, and who starts them."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import Devices, device_named, external_rank, resolve_devices, threads_for


@pytest.fixture(autouse=True)
def _nobody_launches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("SLURM_", "TORCHELASTIC_"))]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(("asked", "found"), [(1, 1), (2, 2), ("2", 2), ("auto", 1), (-1, 1)])
def test_on_a_cpu(asked: Any, found: int) -> None:
    assert resolve_devices("cpu", asked, 1) == Devices("cpu", found, 1)


@pytest.mark.parametrize("asked", [0, "abc", -3, 1.5, None])
def test_what_no_machine_has(asked: Any) -> None:
    with pytest.raises(UserError, match=r"trainer\.devices="):
        resolve_devices("cpu", asked, 1)


def test_accelerators_that_are_not_here() -> None:
    with pytest.raises(UserError, match=r"trainer\.accelerator=tpu is not available here; there is .*cpu"):
        resolve_devices("tpu", 1, 1)


def test_several_nodes_need_a_launcher() -> None:
    with pytest.raises(UserError, match="torchrun or srun"):
        resolve_devices("cpu", 1, 2)


def test_torchrun_has_to_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert resolve_devices("cpu", 2, 2).world_size == 4
    assert external_rank() == 3
    with pytest.raises(UserError, match=r"torchrun started 4 process\(es\), but trainer.devices=2"):
        resolve_devices("cpu", 2, 1)


def test_alone_it_is_rank_0() -> None:
    assert external_rank() == 0


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [threads_for(local, None) for local in (1, 2, 3, 16)] == [8, 4, 2, 1]
    assert threads_for(2, 3) == 3
    with pytest.raises(UserError, match="threads=0"):
        threads_for(1, 0)


def test_a_device_by_its_name() -> None:
    assert device_named("cpu") == torch.device("cpu")
    assert device_named("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(UserError, match="device=gpu7 is not available here"):
        device_named("gpu7")
