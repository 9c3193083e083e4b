"""The folders that the commands write to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.outputs import device_named, new_folder


def test_folders_are_numbered(tmp_path: Path) -> None:
    assert [new_folder(None, tmp_path / "made").name for _ in range(3)] == ["0", "1", "2"]
    assert new_folder(str(tmp_path / "own" / "one"), tmp_path / "made") == tmp_path / "own" / "one"
    assert new_folder(str(tmp_path / "own" / "one"), tmp_path / "made").is_dir()  # it is empty still


def test_nothing_is_mixed_into_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "old.png").touch()
    with pytest.raises(UserError, match="holds files already"):
        new_folder(str(tmp_path), tmp_path)
    with pytest.raises(UserError, match="Can't write to="):
        new_folder(str(tmp_path / "old.png" / "below"), tmp_path)
    with pytest.raises(UserError, match="name another folder with to="):
        new_folder(None, tmp_path / "old.png")


def test_devices() -> None:
    assert device_named("cpu") == torch.device("cpu")
    assert device_named("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(UserError, match="device=gpu7 is not available here"):
        device_named("gpu7")
