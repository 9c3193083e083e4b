"""``generate.py film=training``: every sheet of a run is a frame, in order."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from run_folders import write_run
from verbs import done, refused

from gan_lightning.generate.command import main


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose four sheets are grey of 0, 40, 80 and 120."""
    return write_run(tmp_path / "run", [3.0, 2.0, 1.0], pictures=True)


def test_a_gif_has_every_sheet_and_stays_at_the_last(run: Path, tmp_path: Path) -> None:
    said = done(main, f"{run} film=training fps=5 to={tmp_path / 'film'}")
    assert "9 frames of 1 row(s) in" in said
    with Image.open(tmp_path / "film" / "training.gif") as film:
        greys = [
            (int(np.asarray(frame.convert("L"))[0, 0]), frame.info["duration"])
            for frame in ImageSequence.Iterator(film)
        ]
    assert [grey for grey, _ in greys][:4] == [0, 40, 80, 120]
    assert {grey for grey, _ in greys[4:]} <= {120}
    assert sum(duration for _, duration in greys) == 9 * 200
    record = json.loads((tmp_path / "film" / "generated.json").read_text())
    assert (record["film"], record["run"], record["iterations"]) == ("training", "run", [0, 10, 20, 30])


def test_an_mp4_has_every_sheet(run: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    done(main, f"{run} film=training format=mp4 fps=4 to={tmp_path / 'film'}")
    with av.open(str(tmp_path / "film" / "training.mp4")) as film:
        greys = [float(frame.to_ndarray(format="gray").mean()) for frame in film.decode(video=0)]
    assert greys == pytest.approx([0, 40, 80, 120, *[120] * 4], abs=3)


def test_a_strip_shows_the_sheets_side_by_side(run: Path, tmp_path: Path) -> None:
    done(main, f"{run} film=training format=strip to={tmp_path / 'film'}")
    strip = np.asarray(Image.open(tmp_path / "film" / "training.png"))
    assert strip.shape == (64 + 4, 4 * 66 + 2)
    assert strip[10, 10::66][:4].tolist() == [0, 40, 80, 120]


def test_it_lies_in_the_run_folder_by_default(run: Path) -> None:
    done(main, f"{run} film=training")
    assert (run / "generated" / "0" / "training.gif").is_file()


def test_what_it_refuses(run: Path, tmp_path: Path) -> None:
    assert refused(main, f"{run} film=training seeds=3") == "seeds= does not go with film=training."
    assert "format=png: film=training can be gif or mp4 or strip." in refused(main, f"{run} film=training format=png")
    assert "is of a run folder" in refused(main, f"{tmp_path / 'last.ckpt'} film=training")
    assert refused(main, f"{run} film=trainings").startswith("film=trainings: null or training is needed")
    other = tmp_path / "other"
    shutil.copytree(run, other)
    Image.new("L", (32, 64)).save(other / "samples" / "iteration-0000040.png")
    assert "not of one size (32 x 64, 64 x 64)" in refused(main, f"{other} film=training")
    (other / "samples" / "iteration-0000040.png").write_bytes(b"no picture")
    assert "Can't read" in refused(main, f"{other} film=training")
    shutil.rmtree(other / "samples")
    assert "and there are 0: callbacks.samples.every_kimg says" in refused(main, f"{other} film=training")
