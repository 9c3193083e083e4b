"""Sample grids in a page: which, from where, and how large."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from run_folders import METRIC, write_run, write_sweep

from gan_lightning.compare.comparison import compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.page import strips
from gan_lightning.compare.page.strips import Picture, Strips
from gan_lightning.compare.runs import read_run


def samples(folder: Path, points: int = 4) -> Strips:
    comparison = compare([read_run(run) for run in find_runs([str(folder)])], Wish(METRIC))
    return strips.samples(comparison.rows, points)


def opened(picture: Picture) -> Image.Image:
    assert picture.url.startswith("data:image/png;base64,")
    image = Image.open(io.BytesIO(base64.b64decode(picture.url.partition(",")[2])))
    assert image.size == (picture.width, picture.height)
    return image


def test_recipes_are_shown_at_the_same_points_of_training(tmp_path: Path) -> None:
    write_run(tmp_path / "often", [9, 8, 7, 6, 5, 4], pictures=True, every=500)
    write_run(tmp_path / "long", [9, 8, 7, 6], pictures=True, loss="minimax")
    found = samples(tmp_path, 3)
    assert {strip.name: [p.caption for p in strip.pictures] for strip in found.strips} == {
        "loss=hinge": ["1 kimg", "2 kimg", "3 kimg"],
        "loss=minimax": ["1 kimg", "2 kimg", "3 kimg"],
    }
    assert opened(found.strips[0].pictures[-1]).getpixel((0, 0)) in (40 * 3, 40 * 6)
    assert opened(found.real).getpixel((0, 0)) == 255


def test_the_start_is_not_shown_and_few_pictures_stand_once(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [9, 8], pictures=True)
    assert [picture.caption for picture in samples(tmp_path).strips[0].pictures] == ["1 kimg", "2 kimg"]


def test_the_median_seed_is_shown(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [1, 9, 5]}, pictures=True)
    (strip,) = samples(tmp_path).strips
    assert strip.seed == 2
    assert opened(strip.pictures[0]).getpixel((0, 0)) == 40 + 2


def test_large_grids_shrink_until_the_page_is_small_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(tmp_path / "run", [9, 8], pictures=True)
    noise = np.random.default_rng(0).integers(256, size=(600, 600, 3), dtype=np.uint8)
    for file in (folder / "samples").iterdir():
        Image.fromarray(noise).save(file)
    assert samples(tmp_path).strips[0].pictures[0].width == 400
    monkeypatch.setattr(strips, "LARGEST", 300_000)
    found = samples(tmp_path)
    shown = [*found.strips[0].pictures, found.real]
    assert len({picture.width for picture in shown}) == 1
    assert shown[0].width < 400
    assert sum(len(base64.b64decode(picture.url.partition(",")[2])) for picture in shown) < 300_000


def test_what_is_no_picture_is_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [9, 8], pictures=True)
    (folder / "samples" / "iteration-0000010.png").write_bytes(b"no picture")
    (folder / "samples" / "iteration-next.png").write_bytes(b"nor this")
    assert [picture.caption for picture in samples(tmp_path).strips[0].pictures] == ["2 kimg"]


def test_runs_without_pictures(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [9, 8])
    assert samples(tmp_path) == Strips(None, [])
