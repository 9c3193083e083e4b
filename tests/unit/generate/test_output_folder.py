"""The folder that generate.py writes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_lightning.errors import UserError
from gan_lightning.generate.output_folder import new_folder


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
