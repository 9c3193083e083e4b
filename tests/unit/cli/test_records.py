"""What comes from disk fits or is refused, and nothing of a run changes before it trains."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from door import call, refused, train
from outcomes import contents, edit_checkpoint, summary

from gan_lightning.callbacks import Checkpoint


def test_a_resume_with_nothing_to_do_changes_nothing(known: Path) -> None:
    before = contents(known)
    assert "nothing is left to do: the run has 4 iterations" in call(f"resume={known}").out
    assert call(f"resume={known} trainer.max_steps=3").status == 0
    assert contents(known) == before


def test_a_summary_that_was_never_written_is_made_of_the_record(known: Path) -> None:
    """The run was killed between its last checkpoint and its summary."""
    before = summary(known)
    (known / "summary.json").unlink()
    assert call(f"resume={known}").status == 0
    after = summary(known)
    assert {name: after[name] for name in ("status", "iteration", "images", "last", "quality")} == {
        name: before[name] for name in ("status", "iteration", "images", "last", "quality")
    }


def test_a_refused_resume_changes_nothing(known: Path) -> None:
    edit_checkpoint(known / "checkpoints" / "last.ckpt", lambda content: content["state_dict"].clear())
    before = contents(known)
    refused(f"resume={known} trainer.max_steps=6")
    assert contents(known) == before


def test_pictures_stand_once_in_tensorboard_after_two_resumes_from_one_checkpoint(known: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shutil.copy(known / "checkpoints" / "last.ckpt", tmp_path)
    for _ in range(2):
        shutil.copy(tmp_path / "last.ckpt", known / "checkpoints")
        assert call(f"resume={known} trainer.max_steps=6").status == 0
    shown = EventAccumulator(str(known), size_guidance={"images": 0}).Reload()
    steps = {tag: [event.step for event in shown.Images(tag)] for tag in shown.Tags()["images"]}
    assert steps == {"real": [0], "samples": [0, 4, 6]}


def cut(content: dict[str, Any]) -> None:
    del content["optimizer_states"][1]


def wrong_state(content: dict[str, Any]) -> None:
    state = content["optimizer_states"][0]["state"]
    state[0]["exp_avg"] = torch.zeros(3, 2, 1, 1)


def without_model(content: dict[str, Any]) -> None:
    content["config"]["model"] = None


FOR_ALL = [
    (lambda content: content["state_dict"].pop("average.model.layers.1.weight"), "1 tensor is missing (", True),
    (
        lambda content: content["state_dict"].update({"average.model.more": torch.ones(1)}),
        "1 tensor is unknown (",
        True,
    ),
    (lambda content: content["state_dict"].clear(), " tensors are missing (", True),
    (lambda content: content.pop("state_dict"), "no 'state_dict'", True),
    (lambda content: content["state_dict"].update(other="text"), "1 tensor is no tensor (other)", True),
    (lambda content: content["gan_lightning"].pop("counters"), "has no 'counters'", True),
    (lambda content: content["gan_lightning"]["counters"].update(iteration="x"), "its 'iteration' is 'x'", True),
    (without_model, "its 'config.model' is 'None'", True),
    (lambda content: content.update(config=None), "its 'config' is 'None'", True),
    (lambda content: content.update(gan_lightning=None), "lacks the 'gan_lightning' record", True),
    (cut, "the state of 1 optimizers, and the game has 2", False),
    (lambda content: content.pop("optimizer_states"), "no 'optimizer_states'", False),
    (lambda content: content.update(optimizer_states="ab"), "its 'optimizer_states' is 'ab'", False),
    (lambda content: content.update(optimizer_states=[1, 2]), "hold no state of an optimizer", False),
    (lambda content: content["optimizer_states"][1]["state"].pop(0), "optimizer.discriminator lacks 1 of", False),
    (lambda content: content["optimizer_states"].reverse(), "optimizer.generator is of another model", False),
    (wrong_state, "a 'exp_avg' is [3, 2, 1, 1] and its parameter", False),
    (lambda content: content.pop("loops"), "no 'loops'", False),
    (lambda content: content["loops"].update(fit_loop={}), "no 'loops.fit_loop.epoch_progress'", False),
    (
        lambda content: content["gan_lightning"].update(scalars={"a": 1}),
        "last.ckpt does not hold what it should",
        False,
    ),
]


@pytest.mark.parametrize(("change", "says", "for_all"), FOR_ALL)
def test_a_checkpoint_that_opens_and_does_not_fit(change: Any, says: str, for_all: bool, known: Path) -> None:
    """One line says what differs, and nothing changes; what is needed for going on alone stops no other verb."""
    from verbs import refused as verb_refused

    from gan_lightning.evaluate.command import main as evaluate
    from gan_lightning.export.command import main as export
    from gan_lightning.generate.command import main as generate

    edit_checkpoint(known / "checkpoints" / "last.ckpt", change)
    before = contents(known)
    assert says in refused(f"resume={known} trainer.max_steps=6")
    if for_all:
        for verb, options in (
            (generate, "count=1 threads=1"),
            (export, "formats=[]"),
            (evaluate, "n_fake=8 threads=1"),
        ):
            assert says in verb_refused(verb, f"{known} {options}")
    assert contents(known) == before


def test_a_record_of_something_else_is_named(known: Path) -> None:
    (known / "metrics.jsonl").write_text('"text"\n')
    before = contents(known)
    assert "metrics.jsonl, line 1 is no record of a number" in refused(f"resume={known} trainer.max_steps=6")
    assert contents(known) == before


def test_a_record_that_cannot_be_replaced_is_one_line(known: Path) -> None:
    (known / "resolved.yaml").unlink()
    (known / "resolved.yaml").mkdir()
    assert "Can't write the run folder" in refused(f"resume={known} trainer.max_steps=6")


def test_a_refused_start_leaves_no_folder_of_a_logger(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train("trainer.max_steps=1 logger=[csv,tensorboard]", run)
    before = sorted(run.rglob("*"))
    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    for state in content["optimizer_states"]:
        state["state"] = {}
    content["optimizer_states"][0]["param_groups"][0]["params"] = [0]
    torch.save(content, run / "checkpoints" / "last.ckpt")
    assert "is of another model" in refused(f"resume={run} trainer.max_steps=2")
    assert sorted(run.rglob("*")) == before


def test_csv_has_what_the_checkpoint_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning's logger keeps a hundred lines back, which a kill would take."""
    seen: list[str] = []
    original = Checkpoint.on_train_end

    def look_first(self: Checkpoint, *args: Any) -> None:
        seen.append((tmp_path / "csv" / "version_0" / "metrics.csv").read_text())
        original(self, *args)

    monkeypatch.setattr(Checkpoint, "on_train_end", look_first)
    words = "trainer.max_steps=3 trainer.log_every_n_steps=1 logger=[csv] callbacks.checkpoint.every_iterations=2"
    train(words, tmp_path)
    assert len(seen[0].splitlines()) > 1
