"""The doctor of whole runs: what it writes, that it resumes exactly, stops all processes together and rolls back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import games
import pytest
import translation
import yaml
from door import TINY, call, refused, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_lightning.callbacks import Curves, Health
from gan_lightning.callbacks.health import Doctor
from gan_lightning.errors import UserError

STILL = "optimizer.generator.lr=0 trainer.log_every_n_steps=2"
"""G stands still, which is found at iteration 6."""
POISON = (
    "loss._target_=games.Poisoned trainer.log_every_n_steps=3 callbacks.checkpoint.every_iterations=3 "
    "callbacks.health.ignore=[mode_collapse]"
)


def diagnoses(folder: Path) -> list[dict[str, Any]]:
    file = folder / "health.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> type[games.Poisoned]:
    monkeypatch.setattr(games.Poisoned, "calls", 0)
    monkeypatch.setattr(games.Poisoned, "bad", range(13, 14))
    return games.Poisoned


def test_a_diagnosis_is_told_once_in_every_place(tmp_path: Path) -> None:
    answer = train(f"{STILL} trainer.max_steps=12 logger=[tensorboard]", tmp_path / "run")
    line = "health: standing_still at iteration 6: A player does not change: generator."
    assert answer.out.count("health: ") == answer.out.count(line) == 1
    (record,) = diagnoses(tmp_path / "run")
    assert (record["name"], record["value"], record["iteration"], record["images"]) == ("standing_still", 1.0, 6, 48)
    assert record["evidence"] == {"generator/learning_rate": 0.0}
    assert "optimizer.generator.lr" in record["advice"]
    found = summary(tmp_path / "run")["health"]
    assert found["ill"] == ["standing_still"]
    assert [(each["name"], each["iteration"], each["over"]) for each in found["found"]] == [("standing_still", 6, None)]
    events = EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    (text,) = events.Tensors("health/text_summary")
    assert text.step == 6
    assert b"standing_still" in text.tensor_proto.string_val[0]


def test_a_healthy_run_is_quiet(tmp_path: Path) -> None:
    answer = train("trainer.log_every_n_steps=2 trainer.max_steps=12", tmp_path / "run")
    assert "health: " not in answer.out
    assert not (tmp_path / "run" / "health.jsonl").exists()
    assert summary(tmp_path / "run")["health"] == {"ill": [], "found": [], "rolled_back": []}


def test_a_resumed_run_finds_what_the_whole_one_does(tmp_path: Path) -> None:
    line = f"{STILL} callbacks.health.every_kimg=0.03"
    train(f"{line} trainer.max_steps=24", tmp_path / "whole")
    train(f"{line} trainer.max_steps=8", tmp_path / "cut")
    with (tmp_path / "cut" / "health.jsonl").open("a") as file:  # what a killed attempt found after the checkpoint
        file.write(json.dumps({**diagnoses(tmp_path / "cut")[0], "iteration": 10, "name": "oscillation"}) + "\n")
    assert call(f"resume={tmp_path / 'cut'} trainer.max_steps=24").status == 0
    assert diagnoses(tmp_path / "cut") == diagnoses(tmp_path / "whole")
    assert [each["name"] for each in diagnoses(tmp_path / "whole")] == ["standing_still"]
    assert sum(name == "health/variety" for _, name in games.records(tmp_path / "whole")) == 6
    assert summary(tmp_path / "cut")["health"] == summary(tmp_path / "whole")["health"]
    assert games.records(tmp_path / "cut") == games.records(tmp_path / "whole")


def test_stopping_ends_the_run_in_order(tmp_path: Path) -> None:
    train(f"{STILL} trainer.max_steps=40 callbacks.health.action=stop", tmp_path / "run")
    found = summary(tmp_path / "run")
    assert (found["status"], found["iteration"]) == ("ill", 6)
    assert found["reason"] == "standing_still: A player does not change: generator."
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()


def test_nan_is_named_with_its_iteration(tmp_path: Path, poisoned: Any) -> None:
    poisoned.bad = range(50, 51)
    answer = call(f"{TINY} loss._target_=games.Poisoned trainer.max_steps=90", tmp_path / "run")
    assert answer.status == 2
    assert "Training diverged by iteration 50: " in answer.err
    (record,) = diagnoses(tmp_path / "run")
    assert (record["name"], record["evidence"]["loss/discriminator/first_bad_iteration"]) == ("not_finite", 50)
    assert "became NaN or infinite in iteration 50." in answer.out


def test_a_roll_back_is_what_resuming_with_smaller_rates_is(tmp_path: Path, poisoned: Any) -> None:
    back, other = tmp_path / "back", tmp_path / "other"
    answer = train(f"{POISON} trainer.max_steps=21 callbacks.health.action=roll_back", back)
    assert (
        "Rolled back from iteration 15 because of not_finite; both learning rates are multiplied by 0.5." in answer.out
    )
    assert [(each["iteration"], each["name"]) for each in diagnoses(back)] == [(12, "roll_back")]
    assert summary(back)["health"]["rolled_back"] == [{"illness": "not_finite", "at": 15, "to": 12, "factor": 0.5}]
    assert (summary(back)["status"], summary(back)["iteration"]) == ("done", 21)
    stored = yaml.safe_load((back / "config.yaml").read_text())
    rates = [stored["optimizer"][player]["lr"] for player in ("generator", "discriminator")]
    assert rates == [0.001, 0.001]  # half of adam_quick's
    assert (back / "attempts" / "1" / "overrides.txt").read_text().endswith("optimizer.discriminator.lr=0.001\n")

    poisoned.bad = range(0)
    train(f"{POISON} trainer.max_steps=12", other)
    words = "trainer.max_steps=21 optimizer.generator.lr=0.001 optimizer.discriminator.lr=0.001 allow=[games]"
    assert call(f"resume={other} {words}").status == 0
    ours, theirs = (games.state(folder)["state_dict"] for folder in (back, other))
    assert games.largest_difference(ours, theirs) == 0.0
    assert games.records(back) == games.records(other)


def test_roll_backs_are_bounded(tmp_path: Path, poisoned: Any) -> None:
    poisoned.bad = range(13, 10_000)
    line = f"{TINY} {POISON} trainer.max_steps=21 callbacks.health.action=roll_back"
    answer = call(f"{line} callbacks.health.most_roll_backs=2", tmp_path / "run")
    assert answer.status == 2
    assert answer.out.count("health: Rolled back") == 2
    assert "the run is not rolled back, because it was rolled back 2 times" in answer.out
    assert "Training diverged" in answer.err
    stored = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert stored["optimizer"]["generator"]["lr"] == 0.0005
    assert len(stored["callbacks"]["health"]["rolled_back"]) == 2


def test_without_a_healthy_checkpoint_there_is_no_way_back(tmp_path: Path, poisoned: Any) -> None:
    line = f"{TINY} {POISON} callbacks.checkpoint.every_iterations=100 callbacks.health.action=roll_back"
    answer = call(f"{line} trainer.max_steps=21", tmp_path / "run")
    assert answer.status == 2
    assert "because no checkpoint was saved while it was healthy" in answer.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("callbacks.health.action=shout", "callbacks.health.action=shout: choose one of warn, stop, roll_back"),
        ("callbacks.health.count=3", "callbacks.health.count=3: give at least 16"),
        ("callbacks.health.lr_factor=2", "callbacks.health.lr_factor=2"),
        ("callbacks.health.ignore=[cough]", "there is no cough; there are not_finite, standing_still"),
        ("callbacks.health.every_kimg=0", "callbacks.health.every_kimg=0"),
    ],
)
def test_options_that_cannot_work(words: str, reason: str, tmp_path: Path) -> None:
    assert reason in refused(f"{TINY} {words}", tmp_path / "run")


def test_the_louder_form_also_looks_for_copies(tmp_path: Path) -> None:
    words = "callbacks=[quality,health] callbacks.quality.metrics=[fid] callbacks.quality.every_kimg=null"
    words += " evaluator.n_fake=8"
    looks = "callbacks.health.every_kimg=0.03 callbacks.health.count=16 trainer.log_every_n_steps=2 trainer.max_steps=5"
    train(f"{words} {looks} data._target_=gan_lightning.data.sets.digits.Digits", tmp_path / "run")
    names = {name for _, name in games.records(tmp_path / "run")}
    assert {"health/copies", "health/variety", "quality/averaged/fid"} <= names


class Seen(Health):
    """A doctor who looks at samples after every iteration and keeps what it finds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), every_kimg=1e-6, count=16)


@pytest.mark.parametrize("play", [translation.pix2pix, translation.cyclegan, translation.cut])
def test_translations_are_looked_at_too(play: Any, tmp_path: Path) -> None:
    doctor = Seen(tmp_path)
    module = play()
    translation.fit(module, 3, callbacks=[Curves(), doctor], log_every_n_steps=1)
    look = doctor.doctor.course.look
    assert isinstance(doctor.doctor, Doctor)
    assert look is not None
    assert look.iteration == 3
    assert 0 < look.variety < 2
    assert set(look.spectral) == {f"{player}/{end}" for player in module.players for end in ("most", "least")}


def test_looking_changes_nothing(tmp_path: Path) -> None:
    module, other = translation.pix2pix(), translation.pix2pix()
    translation.fit(module, 3, callbacks=[Curves(), Seen(tmp_path)], log_every_n_steps=1)
    translation.fit(other, 3, callbacks=[Curves()], log_every_n_steps=1)
    assert games.largest_difference(games.weights(module), games.weights(other)) == 0.0


def test_a_player_with_frozen_networks_is_weighed_without_them(tmp_path: Path) -> None:
    doctor = Seen(tmp_path)
    module = games.game()
    module.generator.layers[0].requires_grad_(False)
    games.fit(module, 3, callbacks=[Curves(), doctor], log_every_n_steps=1)
    assert doctor.doctor.course.now.standing == {"generator": False, "discriminator": False}


def test_copies_need_held_out_images(tmp_path: Path) -> None:
    doctor = Health(str(tmp_path), memorisation=True)
    with pytest.raises(UserError, match=r"callbacks\.health\.memorisation looks at samples of images"):
        translation.fit(translation.pix2pix(), 1, callbacks=[Curves(), doctor])


@pytest.mark.forks
def test_two_processes_stop_together(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    steep = ("optimizer.discriminator.lr=5.0", "trainer.log_every_n_steps=2", "callbacks.health.action=stop")
    words = [*games.TINY, *steep, "trainer.devices=2", "trainer.max_steps=12", f"hydra.run.dir={run}"]
    assert games.run(*words, output=log) == 0, log.read_text()
    found = summary(run)
    assert (found["status"], found["iteration"], found["world_size"]) == ("ill", 4, 2), log.read_text()
    assert found["reason"].startswith("exploding_weights: The weights of the discriminator explode")


@pytest.mark.forks
def test_two_processes_roll_back_together(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    words = [*games.TINY, *POISON.split(), "callbacks.health.action=roll_back", "trainer.devices=2"]
    words += ["trainer.max_steps=21", f"hydra.run.dir={run}"]
    assert games.run(*words, output=log, timeout=280) == 0, log.read_text()
    found = summary(run)
    assert (found["status"], found["iteration"], found["world_size"]) == ("done", 21, 2)
    assert found["health"]["rolled_back"] == [{"illness": "not_finite", "at": 15, "to": 12, "factor": 0.5}]
    assert [each["iteration"] for each in games.rank_files(run, attempt=1)] == [12, 12]
