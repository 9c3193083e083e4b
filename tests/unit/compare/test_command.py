"""The verb compare.py: its formats, where it writes, and what it refuses."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from run_folders import write_run, write_sweep
from verbs import done, refused

from gan_lightning.compare.command import main

HINGE_AND_MINIMAX = {"hinge": [10, 12], "minimax": [4, 5]}


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "sweep", HINGE_AND_MINIMAX)


def test_a_sweep_is_a_table(sweep: Path) -> None:
    shown = done(main, str(sweep))
    assert shown.splitlines()[4].split() == ["1", "loss=minimax", "4.50", "±", "0.71", "2", "100%", "1"]
    assert done(main, f"'{sweep}/*'") == shown, "a pattern in quotes"
    assert (
        done(main, f"{sweep}/loss-hinge_seed-0 {sweep}/loss-hinge_seed-1 '{sweep}/*minimax*'").split() == shown.split()
    )


def test_a_metric_has_its_name_in_the_records_too(sweep: Path) -> None:
    assert done(main, f"{sweep} metric=quality/averaged/fid") == done(main, str(sweep))


def test_the_format_follows_the_ending_of_the_file(sweep: Path, tmp_path: Path) -> None:
    starts = {"a.csv": "place,recipe", "a.md": "averaged/fid", "a.html": "<!doctype html>", "a.txt": "averaged/fid"}
    for name, start in starts.items():
        assert done(main, f"{sweep} output={tmp_path / name}") == f"written: {tmp_path / name}\n"
        assert (tmp_path / name).read_text().startswith(start)
    assert next(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))["recipe"] == "loss=minimax"
    assert "| 1 | loss=minimax |" in (tmp_path / "a.md").read_text()
    assert done(main, f"{sweep} format=csv") == (tmp_path / "a.csv").read_text()


def test_a_page_without_a_name_lies_here(sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert done(main, f"{sweep} format=html") == "written: compare.html\n"
    assert "loss=minimax comes first" in (tmp_path / "compare.html").read_text()


def test_what_it_refuses(sweep: Path, tmp_path: Path) -> None:
    assert refused(main, "").startswith("Say of what, first: python compare.py RUNS...")
    assert "there is no such folder" in refused(main, str(tmp_path / "nowhere"))
    assert "metric=raw/fid was measured in none of 4 run(s): they have averaged/fid." in refused(
        main, f"{sweep} metric=raw/fid"
    )
    assert "format=pdf: null or table or csv or markdown or html is needed" in refused(main, f"{sweep} format=pdf")
    assert "output=a.pdf: say what .pdf is to be, format=table" in refused(main, f"{sweep} output=a.pdf")
    assert "Can't write output=" in refused(main, f"{sweep} output={tmp_path}/no/folder.csv")
    write_run(tmp_path / "other", protocol={**{"extractor": "digits"}})
    assert "Measure again" in refused(main, f"{sweep} {tmp_path / 'other'}")


def test_it_starts_without_torch() -> None:
    """A second less on every call."""
    code = (
        "import sys; from gan_lightning import compare; from gan_lightning.compare import page; "
        "print(sorted({'torch', 'lightning', 'torchvision'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_help_lists_the_options() -> None:
    shown = done(main, "--help")
    assert "python compare.py RUNS... [option=value ...]" in shown
    assert "metric=averaged/fid" in shown
