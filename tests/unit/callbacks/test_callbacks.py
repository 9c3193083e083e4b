"""Pictures, curves, progress and the record: what a run leaves to look at."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from door import train
from lightning.pytorch import Trainer
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from gan_lightning import GAN
from gan_lightning.callbacks import Curves, Progress, Samples
from gan_lightning.callbacks.progress_bar import duration
from gan_lightning.errors import UserError
from gan_lightning.runs.records import read_records

SCALARS = {
    "loss/discriminator",
    "loss/generator",
    "logits/real",
    "logits/fake",
    "accuracy/real",
    "accuracy/fake",
    "gradient_norm/generator",
    "gradient_norm/discriminator",
    "learning_rate/generator",
    "learning_rate/discriminator",
    "images_per_second",
    "images",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five iterations of eight images: curves at 2, 4 and 5, a grid every sixteen images."""
    folder = tmp_path_factory.mktemp("callbacks") / "run"
    line = "logger=[tensorboard,csv] trainer.max_steps=5 trainer.log_every_n_steps=2 callbacks.samples.every_kimg=0.016"
    train(line, folder)
    return folder


def events(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    accumulator.Reload()
    return accumulator


def everything(folder: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint by their path: weights, buffers and the optimizers' states."""
    stored = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    found: dict[str, Tensor] = {}

    def walk(node: Any, path: str) -> None:
        if isinstance(node, Tensor):
            found[path] = node
        for key, value in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ()):
            walk(value, f"{path}/{key}")

    walk({key: stored[key] for key in ("state_dict", "optimizer_states")}, "")
    return found


# ----------------------------------------------------------------------- samples


def test_grids_at_the_start_in_between_and_at_the_end(run: Path) -> None:
    names = sorted(path.name for path in (run / "samples").iterdir())
    assert names == [*(f"iteration-{i:07d}.png" for i in (0, 2, 4, 5)), "real.png"]
    for name in names:
        assert Image.open(run / "samples" / name).size == (2 + 4 * 30, 2 + 30)


def test_looking_does_not_change_training(run: Path, tmp_path: Path) -> None:
    after_looking = torch.get_rng_state()
    states = []
    for name, samples in (("with", "callbacks.samples.every_kimg=0.008"), ("without", "callbacks.samples=null")):
        train(f"trainer.max_steps=5 {samples}", tmp_path / name)
        states.append(torch.get_rng_state())
    looked, blind = everything(tmp_path / "with"), everything(tmp_path / "without")
    assert len(blind) > 40
    assert looked.keys() == blind.keys()
    assert [name for name in blind if not torch.equal(looked[name], blind[name])] == []
    assert torch.equal(*states)
    assert not torch.equal(states[0], after_looking)  # the draws of training do show in it
    assert not (tmp_path / "without" / "samples").exists()


def test_more_than_a_row(tmp_path: Path) -> None:
    train("trainer.max_steps=1 callbacks.samples.count=11 data.channels=3", tmp_path)
    picture = Image.open(tmp_path / "samples" / "iteration-0000001.png")
    assert picture.size == (2 + 8 * 30, 2 + 2 * 30)
    assert picture.mode == "RGB"


def test_with_classes_a_row_is_one(tmp_path: Path) -> None:
    """Ten rows for ten digits, of as many columns as the count needs."""
    train("conditioning=concat trainer.max_steps=1 callbacks.samples.count=25 logger=[tensorboard]", tmp_path)
    assert Image.open(tmp_path / "samples" / "iteration-0000001.png").size == (2 + 3 * 30, 2 + 10 * 30)
    assert events(tmp_path).Images("samples")[0].height == 2 + 10 * 30


@pytest.mark.parametrize(
    ("num_classes", "classes"),
    [(1, [0]), (2, [0, 1]), (10, list(range(10))), (12, [0, 1, 2, 4, 5, 6, 7, 9, 10, 11]), (19, list(range(0, 19, 2)))],
)
def test_rows_spread_over_all_classes(num_classes: int, classes: list[int]) -> None:
    module = games.game(generator := games.Generator())
    generator.num_classes = num_classes
    z, y, columns = module.inputs_of_a_sheet(20)
    assert y is not None
    assert y.reshape(len(classes), columns).tolist() == [[label] * columns for label in classes]
    rows = z.reshape(len(classes), columns, -1)
    assert torch.equal(rows, rows[:1].expand_as(rows))  # a column is one latent under every class
    assert len(rows[0].unique(dim=0)) == columns


def test_limits_of_samples() -> None:
    with pytest.raises(UserError, match="every_kimg=0"):
        Samples("x", every_kimg=0.0)
    with pytest.raises(UserError, match="count=0"):
        Samples("x", count=0)


# ------------------------------------------------------------------------ curves


def test_tensorboard_has_curves_pictures_text_and_the_table(run: Path) -> None:
    seen = events(run)
    assert set(seen.Tags()["scalars"]) >= SCALARS
    for name in SCALARS:
        assert [event.step for event in seen.Scalars(name)] == [2, 4, 5]
    assert [event.value for event in seen.Scalars("images")] == [16, 32, 40]
    assert [event.step for event in seen.Images("samples")] == [0, 2, 4, 5]
    assert [event.step for event in seen.Images("real")] == [0]
    assert "config/text_summary" in seen.Tags()["tensors"]
    assert "gan_lightning.games.GAN" in seen.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "_hparams_/session_start_info" in seen.summary_metadata
    assert [path.name for path in run.glob("events.*")] == [path.name for path in run.rglob("events.*")]


def test_all_loggers_have_the_same_numbers(run: Path) -> None:
    records = read_records(run / "metrics.jsonl")
    ours = {(r["iteration"], r["name"]): r["value"] for r in records}
    assert {name for _, name in ours} >= SCALARS
    assert {r["iteration"] for r in records} == {2, 4, 5}
    assert all(r["images"] == 8 * r["iteration"] for r in records)
    seen = events(run)
    for name in SCALARS:
        assert [e.value for e in seen.Scalars(name)] == pytest.approx(
            [ours[step, name] for step in (2, 4, 5)], rel=1e-6
        )
    (table,) = run.glob("csv/**/metrics.csv")
    rows = list(csv.DictReader(table.open()))
    assert [int(row["step"]) for row in rows] == [2, 4, 5]
    assert [float(row["loss/generator"]) for row in rows] == [ours[step, "loss/generator"] for step in (2, 4, 5)]


def test_the_summary_has_the_last_numbers(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    last = {r["name"]: r["value"] for r in read_records(run / "metrics.jsonl") if r["iteration"] == 5}
    assert summary["last"] == last
    assert (summary["v"], summary["status"], summary["iteration"], summary["images"]) == (1, "done", 5, 40)
    assert summary["seconds"] > 0
    assert summary["quality"] is None
    started = json.loads((run / "provenance.json").read_text())["started"]
    assert datetime.fromisoformat(started) <= datetime.fromisoformat(summary["ended"]) <= datetime.now(UTC)


# ------------------------------------------------------------------------- record


def test_the_diary_tells_what_was_trained_with(run: Path) -> None:
    seen = json.loads((run / "attempts" / "0" / "rank-0.json").read_text())
    assert seen["learning_rates"] == {"generator": 2e-3, "discriminator": 2e-3}
    assert (seen["rank"], seen["world_size"], seen["seed"], seen["batch_size"], seen["n_critic"]) == (0, 1, 0, 8, 1)
    assert seen["device"] == "cpu"
    assert seen["loss"].startswith("NonSaturating(")


def test_where_the_run_came_from(run: Path) -> None:
    facts = json.loads((run / "provenance.json").read_text())
    assert facts["v"] == 1
    assert torch.__version__.startswith(facts["packages"]["torch"])
    assert facts["command"][0] == "train.py"
    assert facts["seed"] == 0
    assert facts["machine"]["cpus"] >= 1
    assert facts["machine"]["memory_gib"] > 0.1


# ---------------------------------------------------------------------- progress


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (45.4, "45 s"), (99, "99 s"), (180, "3 min"), (5000, "83 min"), (9000, "2.5 h")],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_log_file_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, curves, bar = Clock(), Curves(), Progress(seconds_between_lines=30.0)
    monkeypatch.setattr("gan_lightning.callbacks.progress_bar.time", clock)
    curves.latest = {"loss/discriminator": 1.25, "loss/generator": 0.5, "images_per_second": 640.0}
    trainer = Trainer(
        max_steps=100,
        accelerator="cpu",
        logger=False,
        callbacks=[curves, bar],
        enable_checkpointing=False,
        enable_model_summary=False,
    )
    module = GAN.__new__(GAN)
    module.iteration = 10
    bar.on_train_start(trainer, module)
    capsys.readouterr()
    for seconds, iteration in ((29.0, 19), (30.0, 20), (31.0, 21)):
        clock.now, module.iteration = 1000.0 + seconds, iteration
        bar.on_train_batch_end(trainer, module, None, None, 0)
    assert capsys.readouterr().err == "iteration 20/100: D 1.250, G 0.500, 640 images/s, 4 min left\n"


def test_there_is_no_bar_without_a_terminal(tmp_path: Path) -> None:
    assert not sys.stderr.isatty()
    assert train("trainer.max_steps=1", tmp_path).err == ""
