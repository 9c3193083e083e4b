"""Reports on runs that are not ranked: what is on them, as text and as a page."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from run_folders import PROTOCOL, write_health, write_run, write_sweep
from verbs import done, refused

from gan_lightning.compare.command import main
from gan_lightning.compare.curves import Curve
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.page.strips import strips_of
from gan_lightning.compare.report.contents import Number, Report, report
from gan_lightning.compare.report.page import POINTS, report_page
from gan_lightning.compare.runs import read_run

LOSSES = {"loss/generator": (3.0, 2.0, 1.0), "loss/discriminator": (1.0, 1.5, 1.25)}


def unmeasured(folder: Path, curves: Mapping[str, Sequence[float]] = LOSSES, **options: object) -> Path:
    """A run that measured no quality, with these curves at 1,000, 2,000, ... images."""
    write_run(folder, pictures=True, **options)
    lines = [
        {"v": 1, "iteration": 10 * i, "images": 1000 * i, "seconds": float(i), "name": name, "value": value}
        for name, values in curves.items()
        for i, value in enumerate(values, 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two recipes without any measured quality; one of the runs was cut off."""
    unmeasured(tmp_path / "runs" / "a")
    unmeasured(tmp_path / "runs" / "b", loss="minimax", status=None)
    return tmp_path / "runs"


def read(folder: Path) -> Report:
    return report([read_run(run) for run in find_runs([str(folder)])], "images")


def test_runs_that_measured_nothing_are_shown_and_not_ranked(runs: Path) -> None:
    shown = done(main, str(runs))
    assert " ".join(shown.split()).startswith(
        "Not ranked, because no quality was measured in 2 runs: callbacks=quality"
    )
    assert re.search(r"loss=hinge, seed 0 +done +3 kimg +30 ", shown)
    assert re.search(r"loss=minimax, seed 0 +unfinished +3 kimg +30 ", shown)
    assert re.search(r"^loss +Hinge +Minimax$", shown, re.MULTILINE)


def test_the_csv_has_the_last_value_of_each_curve(runs: Path) -> None:
    first, second = csv.DictReader(done(main, f"{runs} format=csv").splitlines())
    assert (first["run"], first["status"], first["images"]) == ("loss=hinge, seed 0", "done", "3000")
    assert (float(first["loss/generator"]), float(second["loss/discriminator"])) == (1.0, 1.25)


def test_markdown_escapes_what_it_shows(tmp_path: Path) -> None:
    unmeasured(tmp_path / "a|b")
    assert "| a\\|b | done |" in done(main, f"'{tmp_path / 'a|b'}' format=markdown")


def test_another_metric_still_ranks_or_is_refused(runs: Path) -> None:
    assert "lower is better" in done(main, f"{runs} metric=loss/generator better=lower unfinished=true")
    assert "was measured in none of 2 run(s)" in refused(main, f"{runs} metric=averaged/kid")


def test_a_single_run_is_its_own_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [40, 30, 20], pictures=True, typed=["kimg=3"])
    record = {"name": "averaged/kid", "value": 0.25, "images": 3000, "protocol": PROTOCOL}
    (folder / "evaluations.jsonl").write_text(f"{json.dumps(record)}\n")
    how = "500 images against 60,000 of Digits (train), extractor digits (12ab)"
    assert read(folder).numbers() == [
        Number("run", "averaged/fid", 20.0, 3000, how),
        Number("run", "averaged/kid", 0.25, 3000, how),
    ]
    of_evaluate = {key: value for key, value in record.items() if key != "images"} | {"images_seen": 2000}
    (folder / "evaluations.jsonl").write_text(f"{json.dumps(of_evaluate)}\n")
    assert read(folder).numbers()[-1] == Number("run", "averaged/kid", 0.25, 2000, how)
    assert done(main, f"{folder} output={tmp_path / 'page.html'}").startswith("written: ")
    html = (tmp_path / "page.html").read_text()
    for what in (
        "<h1>run</h1>",
        "3 kimg in 30 iterations and 3 s, seed 0; done.",
        how,
        "kimg=3",
        "c0ffee, with changes",
    ):
        assert what in html
    assert html.count("data:image/png") == 4 + 1
    assert "comes first" not in html


def test_numbers_without_a_protocol_that_is_known_say_so(tmp_path: Path) -> None:
    write_run(tmp_path / "none", protocol=None)
    write_run(tmp_path / "other", protocol={"extractor": "digits"}, seed=1)
    assert [number.how for number in read(tmp_path).numbers()] == [
        "",
        "measured in a way that this release does not know",
    ]


def test_runs_of_equal_names_are_told_apart(tmp_path: Path) -> None:
    for name in ("a/x", "b/x", "c/x"):
        write_run(tmp_path / name)
    assert list(read(tmp_path).runs) == ["one recipe, seed 0", "one recipe, seed 0 (x)", "one recipe, seed 0 (x) 2"]


def test_each_run_is_shown_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    unmeasured(tmp_path / "long")
    write_run(tmp_path / "short", [9.0], pictures=True, loss="minimax")
    strips = strips_of(read(tmp_path).runs, 24, whole=True).strips
    assert [[picture.caption for picture in strip.pictures] for strip in strips] == [
        ["0 kimg", "1 kimg", "2 kimg", "3 kimg"],
        ["0 kimg", "1 kimg"],
    ]


def test_curves_of_quality_come_first_and_a_run_keeps_its_colour(tmp_path: Path) -> None:
    unmeasured(tmp_path / "a")
    write_run(tmp_path / "b", loss="minimax")
    found = read(tmp_path)
    assert list(found.curves()) == ["averaged/fid", "loss/generator", "loss/discriminator"]
    html = report_page(found)
    assert re.findall(r'<g class="c(\d)" data-line="(\d)">', html) == [("1", "1"), ("0", "0"), ("0", "0")]


def test_a_long_curve_is_thinned_and_keeps_its_ends(tmp_path: Path) -> None:
    track = tuple(map(float, range(10_000)))
    thin = Curve(track, track, track).thinned(POINTS)
    assert len(thin.values) == POINTS
    assert (thin.values[0], thin.values[-1]) == (0.0, 9_999.0)
    assert thin.images == thin.values
    assert Curve(track[:3], track[:3], track[:3]).thinned(POINTS).values == track[:3]


def test_names_from_a_run_folder_are_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    unmeasured(tmp_path / "run", {evil.replace("/", ""): (1.0, 2.0)}, typed=[f"x={evil}"])
    html = report_page(read(tmp_path / "run"))
    assert html.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in html


def test_a_report_says_what_the_doctor_found(tmp_path: Path) -> None:
    unmeasured(tmp_path / "run")
    assert "What the doctor found" not in report_page(read(tmp_path / "run"))
    write_health(tmp_path / "run", (1000, "oscillation", 1.0))
    html = report_page(read(tmp_path / "run"))
    assert "What the doctor found during training" in html
    assert "It is ill. Do this." in html


def test_a_folder_in_which_training_never_began_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "failure.json").write_text(json.dumps({"v": 1, "kind": "error", "message": "No memory."}))
    assert "failed: error: No memory." in report_page(read(folder))


def test_tags_choose_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [4.0], options={"tags": ["paper", "long"]})
    write_run(tmp_path / "b", [5.0], loss="minimax", options={"tags": ["paper"]})
    write_run(tmp_path / "c", [6.0], loss="non_saturating")
    assert "3 recipe(s)" in done(main, str(tmp_path))
    assert "2 recipe(s)" in done(main, f"{tmp_path} tags=[paper]")
    assert "1 recipe(s), 1 run(s)" in done(main, f"{tmp_path} tags=[paper,long]")
    assert refused(main, f"{tmp_path} tags=[papers]") == (
        "tags=[papers]: none of 3 run(s) has them all; there is long, paper."
    )


def test_tags_belong_to_no_recipe(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10, 12]}, options={"tags": ["a"]})
    write_run(tmp_path / "other", (30.0, 20.0, 11.0), seed=2, options={"tags": ["b"]})
    assert "1 recipe(s), 3 run(s)" in done(main, str(tmp_path))
