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
from gan_lightning.runs.loggers import JsonLines
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
