"""Where a stored configuration may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gan_lightning.config.places import check_places, names_of, without_downloads
from gan_lightning.errors import UserError


def nested(path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("logger.csv.name", "/elsewhere"),
        ("logger.csv.name", "../x"),
        ("logger.csv.name", "a/../../x"),
        ("logger.csv.name", "a\\..\\x"),
        ("logger.csv.name", "~/x"),
        ("logger.csv.name", "$HOME/x"),
        ("logger.csv.name", "${HOME}/x"),
        ("logger.csv.name", "file:///x"),
        ("logger.csv.name", "file:x"),
        ("logger.csv.name", "memory://x"),
        ("logger.csv.name", "simplecache::x"),
        ("logger.csv.deep", [[{"any": "/elsewhere"}]]),
        ("logger.csv._args_", []),
        ("callbacks.mine._args_", [3]),
        ("callbacks.mine.inner._args_", ["x"]),
        ("trainer.anything", "/elsewhere"),
        ("model.folder", "/elsewhere"),
        ("model.deep.dirpath", "here"),
        ("logger.csv.weights", {"save_dir": "/elsewhere"}),
    ],
    ids=str,
)
def test_what_leads_out_of_the_run_is_refused(path: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of a stored configuration"):
        check_places(nested(path, value), tmp_path)
    check_places(nested(path, value), tmp_path, {".".join(path.split(".")[:2])} if "." in path else {path})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("logger.csv.save_dir", "{folder}"),
        ("logger.csv.save_dir", "{folder}/csv"),
        ("logger.csv.version", 0),
        ("logger.csv.name", "averaged/fid"),
        ("logger.flow.tracking_uri", "https://example.org/x"),
        ("callbacks.quality.monitor", "averaged/fid..."),
        ("callbacks.quality.evaluator.extractor.weights", "/models/inception.pth"),
        ("data.data_dir", "/data"),
        ("init_from", "/runs/earlier"),
        ("model.layer._args_", [1, 1, 1]),
    ],
    ids=str,
)
def test_what_a_run_stores_by_itself_passes(path: str, value: Any, tmp_path: Path) -> None:
    text = value.replace("{folder}", str(tmp_path)) if isinstance(value, str) else value
    check_places(nested(path, text), tmp_path)


def test_names_of_options() -> None:
    assert names_of(["a.b=1", "+c=2", "~d", "++e.f=x=y"]) == {"a.b", "c", "d", "e.f"}


def test_downloads_are_off_at_any_depth() -> None:
    node = {"download": True, "a": [{"download": "${x}", "b": 1}], "c": "download"}
    assert without_downloads(node) == {"download": False, "a": [{"download": False, "b": 1}], "c": "download"}
    assert node["download"] is True
