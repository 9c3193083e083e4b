"""The page as text: whole, self-contained, and safe against what stands in run folders."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from run_folders import METRIC, write_failure, write_health, write_run, write_sweep

from gan_lightning.compare.comparison import compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.page.html import page
from gan_lightning.compare.runs import read_run

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Text, tags and attributes; that every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def written(folder: Path) -> str:
    return page(compare([read_run(run) for run in find_runs([str(folder)])], Wish(METRIC)))


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    write_sweep(tmp_path, {"hinge": [10, 12, 14], "minimax": [4, 5, 6]}, pictures=True)
    write_run(tmp_path / "cut", seed=7, status=None)
    return tmp_path


def test_everything_is_on_it(sweep: Path) -> None:
    reader = Reader(written(sweep))
    text = " ".join(reader.text.split())
    for what in (
        "2 recipes compared",
        "loss=minimax comes first, with averaged/fid 5.0 ± 1.0 over 3 seeds",
        "Runs are missing from the numbers",
        "12.0 ± 2.0",
        "within 3 kimg",
        "loss Minimax Hinge",
        "extractor hash 12ab",
        "no summary yet: it still trains, or was killed after 3,000 images",
        "python train.py -m loss=hinge,minimax",
        "c0ffee, with changes",
        "A CPU, 2 CPUs, 16.0 GiB, no GPU",
        "2026-11-22 10:00 UTC to 2026-11-22 11:00 UTC",
    ):
        assert what in text
    assert len(reader.all("img")) == 2 * 3 + 1
    assert all(image["alt"] for image in reader.all("img"))
    assert [chart["data-readings"] for chart in reader.all("div") if "data-readings" in chart]


def test_it_asks_for_nothing_else(sweep: Path) -> None:
    reader = Reader(written(sweep))
    links = [value for _, each in reader.tags for name, value in each.items() if name in ("src", "href", "srcset")]
    assert links
    assert all(link.startswith("data:") for link in links)
    assert "url(" not in written(sweep)
    assert "@import" not in written(sweep)


def test_names_and_values_are_text(tmp_path: Path) -> None:
    """What stands in a run folder may have been written by anybody."""
    write_run(
        tmp_path / "a",
        typed=[f"x={EVIL}"],
        options={"x": EVIL},
        protocol=None,
    )
    write_run(tmp_path / "b", seed=1, typed=["x=good"], options={"x": "good"}, protocol=None)
    write_failure(tmp_path / "<script>alert(3)<", EVIL)
    provenance = {"command": [EVIL], "machine": {"processor": EVIL, "gpus": [EVIL]}, "git": {"commit": EVIL}}
    (tmp_path / "a" / "provenance.json").write_text(json.dumps(provenance))
    reader = Reader(written(tmp_path))
    assert len(reader.all("script")) == 1
    assert reader.all("img") == []
    assert not [name for _, each in reader.tags for name in each if name.startswith("on")]
    assert reader.text.count("<script>alert(1)</script>") > 4, "it is shown, as text"
    readings = [each["data-readings"] for each in reader.all("div") if "data-readings" in each]
    assert any(EVIL in name for _, name, _ in json.loads(readings[0])[0]["values"])


def test_no_other_script_may_run(sweep: Path) -> None:
    html = written(sweep)
    policy = next(each["content"] for each in Reader(html).all("meta") if "Content-Security-Policy" in each.values())
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_runs_without_protocol_pictures_or_history(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [5.0], protocol=None)
    (folder / "provenance.json").unlink()
    text = Reader(written(folder)).text
    assert "1 recipe compared" in text
    assert "Nothing but the seeds." in text
    assert "The records hold no protocol for this number." in text


def test_illnesses_stand_on_the_page_and_in_the_warnings(sweep: Path) -> None:
    assert "What the doctor found" not in Reader(written(sweep)).text
    ill = next(run for run in find_runs([str(sweep)]) if run.name != "cut")  # which has no row
    write_health(ill, (1000, "mode_collapse", 1.0), (2000, "mode_collapse", 0.0), sentence=EVIL)
    html = written(sweep)
    text = Reader(html).text
    assert "What the doctor found during training" in text
    assert "mode collapse" in text
    assert "accuracy 0.995" in text
    assert "Do this." in text
    assert "1 kimg" in text
    assert "2 kimg" in text
    assert "The doctor found illnesses during training: " in text
    assert EVIL not in html
    assert EVIL in text  # escaped
