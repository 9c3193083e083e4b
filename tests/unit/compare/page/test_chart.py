"""Where lines, ticks and readings lie in a chart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from run_folders import METRIC, write_run

from gan_lightning.compare.comparison import compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.page.chart import BOTTOM, LEFT, RIGHT, TOP, Chart, chart
from gan_lightning.compare.runs import read_run

WIDTH, HEIGHT = 500, 300


def drawn(folder: Path, better: str | None = None) -> Chart:
    runs = [read_run(run) for run in find_runs([str(folder)])]
    return chart(compare(runs, Wish(METRIC, better=better)), WIDTH, HEIGHT)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", path)]


def test_the_last_measurement_is_at_the_right_edge_and_values_go_up(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [30, 20, 40])
    found = drawn(tmp_path)
    (line,) = found.lines
    (x0, y0), (_, y1), (x2, y2) = points(line.mean)
    assert x2 == found.budget == WIDTH - RIGHT
    assert x0 == pytest.approx(LEFT + (WIDTH - LEFT - RIGHT) / 3, abs=0.1)
    assert TOP < y2 < y0 < y1 < HEIGHT - BOTTOM
    assert (y0 - y2) == pytest.approx((y1 - y0), abs=0.2)
    assert found.y_title == "averaged/fid"


def test_values_far_apart_are_drawn_on_a_logarithmic_axis(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [1000, 100, 10])
    found = drawn(tmp_path)
    ys = [y for _, y in points(found.lines[0].mean)]
    assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.2)
    assert [tick.text for tick in found.y_ticks] == ["10", "20", "50", "100", "200", "500", "1,000"]
    assert found.y_title == "averaged/fid (logarithmic)"


def test_a_band_goes_around_the_seeds(tmp_path: Path) -> None:
    write_run(tmp_path / "0", [30, 20])
    write_run(tmp_path / "1", [40, 30], seed=1)
    (line,) = drawn(tmp_path).lines
    around = points(line.area)
    assert len(around) == 4
    assert min(y for _, y in around) < min(y for _, y in line.dots)
    assert max(y for _, y in around) > max(y for _, y in line.dots)


def test_readings_give_every_recipe_the_best_first(tmp_path: Path) -> None:
    write_run(tmp_path / "0", [30, 20], loss="minimax")
    write_run(tmp_path / "1", [40, 30], loss="minimax", seed=1)
    write_run(tmp_path / "2", [20, 30, 10])
    found = drawn(tmp_path)
    assert [reading.label for reading in found.readings] == ["1 kimg", "2 kimg", "3 kimg"]
    assert [text for _, _, text in found.readings[0].values] == ["20", "35 (30 to 40)"]
    assert [name for _, name, _ in found.readings[1].values] == ["loss=minimax", "loss=hinge"]
    assert [name for _, name, _ in found.readings[2].values] == ["loss=hinge"], "the others ended before"


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0, 0.0], [-1.0, 3.0]])
def test_any_values_can_be_drawn(tmp_path: Path, values: list[float]) -> None:
    write_run(tmp_path / "run", values)
    found = drawn(tmp_path)
    assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in points(found.lines[0].mean))
    assert len(found.y_ticks) >= 2
