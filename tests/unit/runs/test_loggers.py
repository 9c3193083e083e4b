"""``metrics.jsonl``: its schema, and what a resume leaves of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from lightning.pytorch import Trainer

from gan_lightning.callbacks import Curves
from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.runs import loggers as records
from gan_lightning.runs.loggers import JsonLines, TensorBoard, put_before
from gan_lightning.runs.records import read_records


def test_one_object_a_number(tmp_path: Path) -> None:
    JsonLines(str(tmp_path)).log_metrics({"loss/generator": 0.5, "images": 128}, step=2)
    first, second = read_records(tmp_path / "metrics.jsonl")
    assert list(first) == ["v", "iteration", "images", "seconds", "name", "value"]
    assert (first["v"], first["iteration"], first["images"]) == (1, 2, 128)
    assert (first["name"], first["value"]) == ("loss/generator", 0.5)
    assert (second["name"], second["value"]) == ("images", 128)
    assert 0 <= first["seconds"] < 10


def test_setting_up_is_no_time_of_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By which the seconds of the records are those of the summary, and a budget of seconds is that of all recipes."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(records, "time", SimpleNamespace(monotonic=lambda: clock.now))
    log, trainer = JsonLines(str(tmp_path)), Mock(spec=Trainer, loggers=[])
    trainer.loggers.append(log)
    clock.now = 100.0  # other processes were started
    Curves().on_train_start(trainer, Mock(spec=GAN, images_seen=0))
    clock.now = 103.0
    log.log_metrics({"a": 1.0}, step=1)
    assert read_records(log.path)[-1]["seconds"] == 3.0


def test_a_resume_drops_what_came_after_its_checkpoint_and_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    common = {"v": 1, "images": 0, "name": "a", "value": 1.0}
    lines = [json.dumps({**common, "iteration": i, "seconds": 100.0 * i}) for i in (1, 2, 3)]
    file.write_text("\n".join([*lines, lines[0][:20]]))
    before = file.read_bytes()
    log = JsonLines(str(tmp_path), resume_at=2)
    assert file.read_bytes() == before, "the resume may still be refused"
    log.begin()
    assert [record["iteration"] for record in read_records(file)] == [1, 2]
    log.log_metrics({"a": 2.0}, step=3)
    assert 200 <= read_records(file)[-1]["seconds"] < 210


def test_a_new_run_has_no_file_to_go_on_with(tmp_path: Path) -> None:
    JsonLines(str(tmp_path), resume_at=5).log_metrics({"a": 1.0}, step=6)
    assert len(read_records(tmp_path / "metrics.jsonl")) == 1


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Can't write .*metrics.jsonl: No such file"):
        JsonLines(str(tmp_path / "gone")).log_metrics({"a": 1.0}, step=0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([100, 200], [100, 200]),  # the clock ran on
        ([100, 2000], [100, 999]),  # one attempt while the clock was ahead
        ([1000, 2000, 3000], [997, 998, 999]),
        ([999, 2000], [998, 999]),
        ([], []),
    ],
)
def test_events_of_earlier_attempts_stand_before_new_ones(before: list[int], after: list[int], tmp_path: Path) -> None:
    """A file of TensorBoard is read before one whose name says a later time, also after the clock was set back."""
    for number, second in enumerate(before):
        (tmp_path / f"events.out.tfevents.{second:010d}.host.{number}.0").write_text(str(number))
    put_before(tmp_path.iterdir(), 1000)
    files = sorted(tmp_path.iterdir())
    assert [int(file.name.split(".")[3]) for file in files] == after
    assert [file.read_text() for file in files] == [str(number) for number in range(len(before))]


def test_a_new_attempt_is_read_after_one_from_the_future(tmp_path: Path) -> None:
    future = tmp_path / "events.out.tfevents.9000000000.host.1.0"
    future.write_bytes(b"")
    logger = TensorBoard(str(tmp_path), resume_at=3)
    logger.log_metrics({"loss/generator": 0.5}, step=4)
    logger.save()
    earlier, new = sorted(tmp_path.glob("events*"))
    assert earlier.name.endswith(".host.1.0")
    assert earlier.stat().st_size == 0
    assert new.stat().st_size > 0
