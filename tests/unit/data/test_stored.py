"""The data of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torchvision import datasets

from gan_lightning.data.stored import data_of_run
from gan_lightning.errors import UserError


def test_nothing_is_created_or_fetched_at_a_stored_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is somebody else's choice; ``data.download=true`` on the command line makes it the user's own."""
    asked: list[str] = []

    def fetch(url: str, download_root: str, filename: str, md5: str) -> None:
        asked.append(download_root)
        raise OSError("no network")

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fetch)
    place = tmp_path / "data"
    node: dict[str, Any] = {"_target_": "gan_lightning.data.sets.torchvision_sets.MNIST", "data_dir": str(place)}
    for stored in ({"download": True}, {}):
        with pytest.raises(UserError, match=r"data\.download=true fetches them"):
            data_of_run({"data": {**node, **stored, "batch_size": 1}}, {}).setup("fit")
        assert not place.exists()
        assert not asked
    with pytest.raises(UserError, match="no network"):
        data_of_run({"data": {**node, "download": True, "batch_size": 1}}, {"download": True})
    assert asked
