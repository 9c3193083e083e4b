"""The run folder object: where each file lies, and how it is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import (
    Attempt,
    GeneratedFolder,
    RunFolder,
    as_json,
    read_json,
    read_yaml,
    write_json,
)

OLD = Path(__file__).parents[2] / "support" / "old_runs"


def test_where_everything_lies() -> None:
    run = RunFolder(Path("run"))
    places = {
        "config.yaml": run.composed,
        "resolved.yaml": run.resolved,
        "overrides.txt": run.overrides,
        "provenance.json": run.provenance,
        "changes.diff": run.changes,
        "metrics.jsonl": run.metrics,
        "evaluations.jsonl": run.evaluations,
        "summary.json": run.summary,
        "failure.json": run.failure,
        "traceback.txt": run.traceback,
        "rerun.json": run.reproduction,
        "checkpoints/last.ckpt": run.last,
        "checkpoints/last.previous.ckpt": run.previous,
        "checkpoints/best.ckpt": run.best,
        "checkpoints/kimg-000200.ckpt": run.checkpoint_at_kimg(200),
        "samples/real.png": run.real_sheet,
        "samples/iteration-0000012.png": run.sheet(12),
        "attempts/3/rank-0.json": run.attempt(3).process,
        "attempts/3/rank-1.json": run.attempt(3).of_rank(1),
        "attempts/3/overrides.txt": run.attempt(3).overrides,
        "generated": run.generated,
        "export": run.exported,
        ".lock": run.lock,
    }
    assert {name: Path("run") / name for name in places} == places
    assert GeneratedFolder(Path("run/generated/0")).record == Path("run/generated/0/generated.json")
    assert (RunFolder.last, Attempt.summary) == (Path("checkpoints/last.ckpt"), Path("summary.json"))


def test_what_is_made_of_a_run_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for file in ("checkpoints/last.ckpt", "alone.ckpt"):
        (tmp_path / file).touch()
        assert RunFolder.around(tmp_path / file) == RunFolder(tmp_path)
    assert RunFolder.around(tmp_path) == RunFolder(tmp_path)


def test_a_folder_that_a_run_left() -> None:
    run = RunFolder(OLD / "dcgan")
    assert [attempt.number for attempt in run.attempts()] == [0]
    assert run.attempts()[0].run == run
    assert run.next_attempt() == run.attempt(1)
    assert list(run.sheets()) == [0, 4]
    assert run.sheets()[4] == run.sheet(4)
    assert run.words() == (OLD / "dcgan" / "overrides.txt").read_text().splitlines() != []
    assert {record["iteration"] for record in run.numbers()} >= {1, 4}
    assert run.evaluated() == []
    assert read_json(run.summary)["status"] == "done"
    assert read_yaml(run.resolved)["seed"] == read_json(run.provenance)["seed"]


def test_attempts_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 0):
        (tmp_path / "attempts" / str(number)).mkdir(parents=True)
    assert [attempt.number for attempt in RunFolder(tmp_path).attempts()] == [0, 9, 10]
    assert RunFolder(tmp_path).next_attempt().number == 11
    assert RunFolder(tmp_path / "new").next_attempt().number == 1


def test_what_is_missing_is_empty(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert (run.numbers(), run.evaluated(), run.words(), run.attempts(), run.sheets()) == ([], [], [], [], {})
    assert (read_json(run.summary), read_yaml(run.resolved)) == ({}, {})


def test_every_json_carries_its_version(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_json(run.summary, {"status": "done"})
    assert run.summary.read_text() == as_json({"status": "done"}) == '{\n  "v": 1,\n  "status": "done"\n}\n'
    assert read_json(run.summary) == {"v": 1, "status": "done"}
    run.summary.write_text(json.dumps({"v": 2}))
    with pytest.raises(UserError, match=r"summary\.json has format 2, but this release reads 1"):
        read_json(run.summary)


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "Expecting value"), ('{"v": 1, "sta', "Unterminated"), ("[1]", "summary.json is no JSON object")],
)
def test_a_damaged_json_is_a_value_error(text: str, says: str, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.summary.write_text(text)
    with pytest.raises(ValueError, match=says):
        read_json(run.summary)


def test_a_stored_configuration_makes_nothing(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.resolved.write_text("a: !!python/object/apply:os.getcwd []")
    with pytest.raises(yaml.YAMLError):
        read_yaml(run.resolved)


def test_the_files_of_tensorboard(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.host").touch()
    (tmp_path / "metrics.jsonl").touch()
    assert RunFolder(tmp_path).events() == {tmp_path / "events.out.tfevents.1.host"}
