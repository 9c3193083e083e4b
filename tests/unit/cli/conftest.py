"""Runs that the tests of the command line share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from door import train


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two iterations; copy it before changing it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train("trainer.max_steps=2", folder)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The run, moved elsewhere."""
    return Path(shutil.copytree(finished, tmp_path / "moved"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a record of everything, TensorBoard's among it; copy it before changing it."""
    folder = tmp_path_factory.mktemp("measured") / "run"
    train("trainer.max_steps=4 trainer.log_every_n_steps=1 logger=[tensorboard,csv]", folder)
    shutil.copy(folder / "checkpoints" / "last.ckpt", folder / "checkpoints" / "best.ckpt")
    return folder


@pytest.fixture
def known(measured: Path, tmp_path: Path) -> Path:
    """The run, in its own folder elsewhere."""
    return Path(shutil.copytree(measured, tmp_path / "known"))
