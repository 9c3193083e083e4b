"""What TensorBoard itself makes of a sweep's folder, asked over its own HTTP interface."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from door import train

from gan_lightning.callbacks.board import layout, typed_first

QUALITY = (
    "trainer.log_every_n_steps=2 evaluator.n_fake=8 "
    "callbacks=quality callbacks.quality.metrics=[fid] callbacks.quality.every_kimg=0.016"
)
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Ask a TensorBoard that serves the folder of two runs."""
    folder = tmp_path_factory.mktemp("board")
    for loss in ("hinge", "non_saturating"):
        train(f"logger=[tensorboard] trainer.max_steps=4 loss={loss} {QUALITY}", folder / loss)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", "0", "--load_fast", "false"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = next(found[1] for line in server.stderr if (found := re.search(r"at (http://\S+)", line)))

    def answer(path: str, **question: Any) -> Any:
        body = json.dumps(question).encode() if question else None
        request = urllib.request.Request(f"{address}data/{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    yield answer
    server.terminate()
    server.communicate()


def test_runs_are_named_by_their_folders(ask: Ask) -> None:
    assert sorted(ask("runs")) == ["hinge", "non_saturating"]


def test_charts_lay_d_and_g_of_all_runs_over_each_other(ask: Ask) -> None:
    shown = ask("plugin/custom_scalars/layout")
    categories = {category["title"]: category["chart"] for category in shown["category"]}
    assert list(categories) == ["Quality", "Game"]
    charts = {chart["title"]: chart["multiline"]["tag"] for chart in categories["Game"]}
    assert charts["Losses of D and G"] == ["loss/discriminator", "loss/generator"]
    (fid,) = categories["Quality"]
    assert fid["multiline"]["tag"] == ["quality/averaged/fid", "quality/raw/fid"]
    for run in ("hinge", "non_saturating"):
        for tag in ("loss/discriminator", "quality/averaged/fid"):
            curves = ask(f"plugin/custom_scalars/scalars?run={run}&tag=^{tag}$")
            assert [step for _, step, _ in curves["tag_to_events"][tag]] == [2, 4]


def test_the_table_has_options_and_metrics_of_every_run(ask: Ask) -> None:
    columns = ask("plugin/hparams/experiment", experimentName="")
    names = {column["name"] for column in columns["hparamInfos"]}
    assert {"loss", "seed", "optimizer.generator.lr", "data.batch_size"} <= names
    assert next(column["name"] for column in columns["hparamInfos"] if column["name"] in ("loss", "seed")) == "loss"
    assert [each["name"]["tag"] for each in columns["metricInfos"]][:2] == ["quality/averaged/fid", "quality/raw/fid"]
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [{"metric": {"tag": "quality/averaged/fid"}}],
        "sliceSize": 10,
    }
    rows = ask("plugin/hparams/session_groups", **question)["sessionGroups"]
    assert {row["hparams"]["loss"] for row in rows} == {"Hinge", "NonSaturating"}
    for row in rows:
        values = {each["name"]["tag"]: each["value"] for each in row["metricValues"]}
        assert values["quality/averaged/fid"] > 0


def test_without_quality_there_is_no_category_of_it() -> None:
    assert list(layout([])) == ["Game"]


def test_what_was_typed_comes_first_in_the_table() -> None:
    options = {
        "seed": 0,
        "data.batch_size": 64,
        "penalty.r1": "R1",
        "loss": "Hinge",
        "generator": "MLP",
        "generator.w": 8,
    }
    typed = [
        "model=mlp",
        "loss=hinge",
        "model.generator.w=8",
        "+penalty=[r1]",
        "hydra.run.dir=here",
        "callbacks=quality",
    ]
    assert list(typed_first(options, typed, "generator")) == [
        *("generator", "loss", "generator.w", "penalty.r1"),
        *("seed", "data.batch_size"),
    ]
    assert typed_first(options, typed, "generator") == options
    assert list(typed_first(options, (), "generator")) == list(options)
