"""The short forms of ``debug=`` do what they say, and tags are kept with a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from door import call, refused, train
from outcomes import summary
from verbs import done

from gan_lightning.compare.command import main as compare
from gan_lightning.data.loader import StreamLoader


def test_one_step_is_one(tmp_path: Path) -> None:
    train("debug=one_step", tmp_path)
    assert summary(tmp_path)["iteration"] == 1
    assert {path.name for path in (tmp_path / "samples").iterdir()} >= {"real.png", "iteration-0000001.png"}
    assert (tmp_path / "checkpoints" / "last.ckpt").is_file()
    assert '"name": "loss/generator"' in (tmp_path / "metrics.jsonl").read_text()


def test_overfit_shows_a_handful_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[bytes] = set()
    whole = StreamLoader.__iter__

    def watched(self: StreamLoader) -> Any:
        for images, labels in whole(self):
            seen.update(image.numpy().tobytes() for image in images)
            yield images, labels

    monkeypatch.setattr(StreamLoader, "__iter__", watched)
    train("debug=overfit data.first=8 trainer.max_steps=6", tmp_path)
    assert summary(tmp_path)["iteration"] == 6
    assert len(seen) == 8


def test_the_first_images_are_at_least_one() -> None:
    assert "data.first" in refused("debug=overfit data.first=0")


def test_a_profile_says_where_the_time_went(tmp_path: Path) -> None:
    train("debug=profile trainer.max_steps=3", tmp_path)
    assert "run_training_batch" in (tmp_path / "fit-profile.txt").read_text()
    answer = call(f"resume={tmp_path} trainer.max_steps=4")
    assert answer.status == 0, answer.err
    assert summary(tmp_path)["iteration"] == 4


def test_anomalies_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []
    whole = torch.Tensor.backward

    def watched(self: torch.Tensor, *arguments: Any, **options: Any) -> None:
        found.append(torch.is_anomaly_enabled())
        whole(self, *arguments, **options)

    monkeypatch.setattr(torch.Tensor, "backward", watched)
    train("debug=anomaly trainer.max_steps=1", tmp_path)
    assert found
    assert all(found)
    assert not torch.is_anomaly_enabled()


def test_tags_are_kept_with_the_run_and_found_by_compare(tmp_path: Path) -> None:
    train("debug=one_step tags=[paper,width]", tmp_path / "a")
    train("debug=one_step loss=hinge", tmp_path / "b")
    assert "a  " in done(compare, f"{tmp_path} tags=[width]")
    assert "tags='word' is not a list" in refused("tags=word")
