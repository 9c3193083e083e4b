"""The comparison on a terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from run_folders import METRIC, write_failure, write_run, write_sweep

from gan_lightning.compare.comparison import Comparison, compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.csv_table import csv_table
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.formatting import kimg, listed, readable_time, with_spread
from gan_lightning.compare.runs import read_run
from gan_lightning.compare.text import markdown, terminal


def compared(folder: Path) -> Comparison:
    return compare([read_run(run) for run in find_runs([str(folder)])], Wish(METRIC))


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    write_sweep(tmp_path, {"hinge": [10, 12, 14], "minimax": [4, 5, 6]})
    return compared(tmp_path)


def test_the_terminal(comparison: Comparison) -> None:
    assert terminal(comparison, 80).startswith(
        "averaged/fid (lower is better), best within 3 kimg; 2 recipe(s), 6 run(s)\n"
        "500 images against 60,000 of Digits (train), extractor digits (12ab)\n"
        "\n"
        "#  recipe        within 3 kimg  seeds  P(best)  rank\n"
        "1  loss=minimax  5.0 ± 1.0      3      100%     1\n"
        "2  loss=hinge    12.0 ± 2.0     3      0%       2\n"
        "\n"
        "#  best        final       images  D updates  G updates  time\n"
        "1  5.0 ± 1.0   5.0 ± 1.0   3 kimg  30         30         3 s\n"
        "2  12.0 ± 2.0  12.0 ± 2.0  3 kimg  30         30         3 s\n"
    )


def test_long_names_are_broken_to_the_width(tmp_path: Path) -> None:
    for i in range(2):
        words = [f"model.generator.a_rather_long_option_{j}={i}" for j in range(4)]
        write_run(tmp_path / f"{i}", typed=words, options={"model": {"width": i}})
    write_failure(tmp_path / f"{'long' * 30}", "why " * 50)
    shown = terminal(compared(tmp_path), 80)
    assert "a_rather_long_option_3=1" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_name_does_not_steer_the_terminal(tmp_path: Path) -> None:
    write_run(tmp_path / "a", typed=["x=\x1b[2J\x07red"])
    write_run(tmp_path / "b", loss="minimax")
    assert "x=?[2J?red" in terminal(compared(tmp_path), 80)


def test_markdown(comparison: Comparison) -> None:
    lines = markdown(comparison).splitlines()
    assert lines[3].startswith("| # | recipe | within 3 kimg | seeds | P(best) | rank | best |")
    assert lines[4] == "|" + " --- |" * 12
    assert lines[5].startswith("| 1 | loss=minimax | 5.0 ± 1.0 | 3 | 100% | 1 | 5.0 ± 1.0 |")


def test_nothing_in_a_name_is_markup(tmp_path: Path) -> None:
    write_run(tmp_path / "a", typed=["x=<b>|*a*|[l](u)"])
    write_run(tmp_path / "b", loss="minimax")
    line = next(line for line in markdown(compared(tmp_path)).splitlines() if "hinge" in line)
    assert r"x=&lt;b>\|\*a\*\|\[l\](u)" in line


def test_csv_has_full_digits_and_empty_cells(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [1 / 3], "minimax": [4, 5]})
    first, second = csv.DictReader(io.StringIO(csv_table(compared(tmp_path))))
    assert float(first["mean"]) == 1 / 3
    assert (first["std"], first["p_best"]) == ("", "")
    assert (second["recipe"], second["seeds"], float(second["std"])) == ("loss=minimax", "2", pytest.approx(0.5**0.5))
    assert (second["budget"], second["budget_unit"], second["folders"]) == (
        *("3000.0", "images"),
        "loss-minimax_seed-0 loss-minimax_seed-1",
    )


@pytest.mark.parametrize(
    ("mean", "deviation", "shown"),
    [
        (12.3456, 0.421, "12.35 ± 0.42"),
        (1649.42, 41.7, "1649 ± 42"),
        (0.01234, 0.00056, "0.01234 ± 0.00056"),
        (976.7, 584.6, "977 ± 585"),
        (9.98, 0.0996, "9.98 ± 0.10"),
        (3.0, 0.0, "3 ± 0"),
        (3.14159, None, "3.142"),
    ],
)
def test_a_mean_is_as_exact_as_its_deviation(mean: float, deviation: float | None, shown: str) -> None:
    assert with_spread(mean, deviation) == shown


def test_long_lists_are_cut() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c", "d"]) == "a; b; c; d"
    assert listed(["a", "b", "c", "d", "e"]) == "a; b; c; 2 others"


def test_units() -> None:
    assert [kimg(images) for images in (4032, 16000, 5e7)] == ["4.032 kimg", "16 kimg", "50,000 kimg"]
    assert [readable_time(s) for s in (9.13, 119, 600, 7200, 200_000)] == ["9.13 s", "119 s", "10 min", "2 h", "2.31 d"]
