"""What is read from run folders, whole and broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from run_folders import METRIC, write_failure, write_health, write_run

from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.formatting import readable_memory
from gan_lightning.compare.runs import Run, read_run
from gan_lightning.errors import UserError


def test_runs_are_found_by_name_below_a_sweep_and_by_pattern(tmp_path: Path) -> None:
    a, b = (write_run(tmp_path / "sweep" / name) for name in ("loss-a_seed-0", "loss-b_seed-0"))
    (a / "attempts" / "0").mkdir(parents=True)
    (a / "attempts" / "0" / "resolved.yaml").write_text("seed: 0")  # a part of a run and no run
    assert find_runs([str(a)]) == [a]
    assert find_runs([str(tmp_path)]) == [a, b]
    assert find_runs([f"{tmp_path}/*/*seed-0"]) == [a, b]
    assert find_runs([f"{tmp_path}/**/loss-b*", str(tmp_path / "sweep")]) == [b, a], "each stands there once"


@pytest.mark.parametrize("source", ["nowhere", "nothing/*"])
def test_a_source_that_is_not_there(tmp_path: Path, source: str) -> None:
    with pytest.raises(UserError, match="there is no such folder, and no folder matches it"):
        find_runs([str(tmp_path / source)])


def test_a_folder_without_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run: a run folder has a resolved"):
        find_runs([str(tmp_path)])


def test_a_run_that_is_done(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", [9.0, 3.0], seed=4, typed=["+data.classes=[1,2]"]))
    assert (run.status, run.reason, run.seed) == ("done", "", 4)
    assert run.curve(METRIC).values == (9.0, 3.0)
    assert run.overrides == {"loss": "hinge", "seed": "4", "data.classes": "[1,2]"}
    assert run.spent() == {"iteration": 20, "images": 2000, "d_updates": 20, "g_updates": 20, "seconds": 2.0}


def test_the_words_of_later_attempts_count_too(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    for attempt, words in (("0", "loss=hinge\nkimg=10\n"), ("1", "kimg=500\n")):
        (folder / "attempts" / attempt).mkdir(parents=True)
        (folder / "attempts" / attempt / "overrides.txt").write_text(words)
    assert read_run(folder).overrides == {"loss": "hinge", "kimg": "500"}


def test_a_run_without_a_summary_still_trains_or_was_killed(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", status=None))
    assert run.status == "unfinished"
    assert run.reason == "no summary yet: it still trains, or was killed after 3,000 images"
    assert run.spent()["images"] == 3000
    assert run.spent()["d_updates"] == run.spent()["g_updates"] == 30


def test_how_a_run_failed(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", status=None)
    write_failure(folder, "CUDA out of memory.", kind="out of memory")
    assert read_run(folder).status == "failed"
    assert read_run(folder).reason == "out of memory: CUDA out of memory. (after 3,000 images)"


def test_a_run_that_was_done_and_failed_as_it_went_on_has_failed(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    write_failure(folder, "No longer finite.")
    assert read_run(folder).reason == "diverged: No longer finite. (after 3,000 images)"


def test_a_job_that_never_trained(tmp_path: Path) -> None:
    write_failure(tmp_path / "job", "Wrong option.", kind="mistake")
    run = read_run(tmp_path / "job")
    assert (run.status, run.reason, run.seed) == ("failed", "mistake: Wrong option.", None)
    (tmp_path / "cut" / "attempts" / "0").mkdir(parents=True)
    assert read_run(tmp_path / "cut").reason == "training never began"


def test_an_interrupted_and_a_pruned_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", status="interrupted")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"signal": 15}))
    assert read_run(folder).reason == "stopped by SIGTERM after 3,000 images"
    pruned = write_run(tmp_path / "pruned", status="pruned")
    assert (read_run(pruned).status, read_run(pruned).reason) == ("pruned", "pruned after 3,000 images")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("resolved.yaml", "{ seed: ["),
        ("resolved.yaml", "- a list"),
        ("summary.json", "{"),
        ("summary.json", '{"status": "interrupted", "signal": 999}'),
        ("metrics.jsonl", '"a text"\n'),
        ("metrics.jsonl", '{"name": "quality/averaged/fid", "value": 3.0}\n'),
    ],
)
def test_a_damaged_file_makes_a_run_unreadable_and_nothing_worse(tmp_path: Path, name: str, text: str) -> None:
    folder = write_run(tmp_path / "run")
    (folder / name).write_text(text)
    run = read_run(folder)
    assert run.status == "unreadable"
    assert run.reason


def test_yaml_of_a_run_folder_is_data(tmp_path: Path) -> None:
    """A tag that would make PyYAML's full loader build an object makes the run unreadable."""
    folder = write_run(tmp_path / "run")
    (folder / "resolved.yaml").write_text(f"seed: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']")
    assert read_run(folder).status == "unreadable"
    assert not (tmp_path / "made").exists()


def test_a_line_torn_by_a_crash_is_no_line(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [5.0, 4.0])
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"v": 1, "iterat')
    assert read_run(folder).curve(METRIC).values == (5.0, 4.0)


def test_what_the_doctor_found(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    assert read_run(folder).illnesses == ()
    write_health(folder, (1000, "oscillation", 1.0), (1500, "mode_collapse", 1.0), (2000, "oscillation", 0.0))
    found = read_run(folder).illnesses
    assert [(each.name, each.images, each.over) for each in found] == [
        ("oscillation", 1000, 2000),
        ("mode_collapse", 1500, None),
    ]
    assert (found[0].sentence, found[0].advice, found[0].evidence) == ("It is ill.", "Do this.", {"accuracy": 0.995})


@pytest.mark.parametrize("facts", [{"evidence": {"accuracy": "high"}}, {"evidence": 3}])
def test_a_damaged_record_of_health_makes_a_run_unreadable(facts: dict[str, object], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    write_health(folder, (1000, "oscillation", 1.0), **facts)
    assert read_run(folder).status == "unreadable"


def test_the_most_memory_is_that_of_the_gpu_if_there_is_one() -> None:
    here = Path("run")
    assert Run(here, "done", summary={"peak_memory": {"machine": 5, "device": None}}).peak_memory() == 5
    assert Run(here, "done", summary={"peak_memory": {"machine": 5, "device": 3}}).peak_memory() == 3
    assert Run(here, "done").peak_memory() is None
    assert (readable_memory(None), readable_memory(1_234_000_000)) == ("", "1.2 GB")
