"""The verb evaluate.py on runs that translate images: the numbers of training again, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from door import call, refused, train

from gan_lightning.compare.command import Compare
from gan_lightning.compare.command import run as compare
from gan_lightning.data.sets import digits
from gan_lightning.data.translation import digits as translations_of_digits
from gan_lightning.data.translation.digits import Edges
from gan_lightning.errors import UserError
from gan_lightning.evaluate.command import Evaluate, evaluate
from gan_lightning.images import save_png
from gan_lightning.runs.protocol import Protocol

QUALITY = "callbacks=quality callbacks.quality.every_kimg=0.008 trainer.max_steps=2"
FEW = "evaluator.n_fake=12 evaluator.metrics.fid_infinity=null evaluator.metrics.kid.subset_size=5"
LOSING = "evaluator.held_out.memorisation=null"
PIX2PIX = f"model=pix2pix data=edges model.l1_weight=10 {QUALITY} {FEW} {LOSING}"
NARROW = "model.a2b.width=4 model.a2b.blocks=1 data.batch_size=8 trainer.accelerator=cpu threads=1 logger=[]"
CYCLEGAN = f"model=cyclegan data=styles {NARROW} callbacks.samples.count=4 {QUALITY} {FEW} {LOSING}"


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the runs were trained on."""
    for module in (digits, translations_of_digits):
        monkeypatch.setattr(module, "TRAIN", 64)
        monkeypatch.setattr(module, "TEST", 16)


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two iterations, measured after each, with the best by SSIM."""
    folder = tmp_path_factory.mktemp("pix2pix") / "run"
    train(f"{PIX2PIX} callbacks.quality.monitor=averaged/ssim", folder)
    return folder


@pytest.fixture(scope="module")
def cyclegan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cyclegan") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translations_of_digits, "TRAIN", 64)
        patch.setattr(translations_of_digits, "TEST", 16)
        answer = call(f"{CYCLEGAN} callbacks.quality.monitor=averaged/class_kept", folder)
    assert answer.status == 0, answer.err
    return folder


def measured(source: Path, **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """The records by (averaged or raw, name)."""
    records = evaluate(Evaluate(str(source), **{"threads": 1, "device": "cpu"} | options))
    return {(record["protocol"]["generator"], record["name"]): record for record in records}


def lines_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("game", ["pix2pix", "cyclegan"])
def test_it_measures_what_the_callback_measured(game: str, request: pytest.FixtureRequest) -> None:
    run: Path = request.getfixturevalue(game)
    during = {x["name"].removeprefix("quality/"): x for x in lines_of(run) if x["name"].startswith("quality/")}
    after = {"/".join(key): record for key, record in measured(run).items()}
    assert during.keys() <= after.keys()
    for name, record in during.items():
        assert after[name]["value"] == pytest.approx(record["value"], rel=1e-9), name
        protocols = [Protocol.from_dict(each["protocol"]) for each in (record, after[name])]
        assert protocols[0].difference(protocols[1]) == {}
    both = {"fid", "kid", "l1", "psnr", "ssim", "class_kept"} | ({"cycle", "identity"} if game == "cyclegan" else set())
    names = {name.partition("/")[2] for name in during} - {"kid_std", "kid_std_b2a"}
    assert names == both | ({f"{name}_b2a" for name in both} if game == "cyclegan" else set())


def test_the_best_checkpoint_by_ssim_is_measured(pix2pix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = [line["value"] for line in lines_of(pix2pix) if line["name"] == "quality/averaged/ssim"]
    noted = json.loads((pix2pix / "summary.json").read_text())["quality"]
    assert (noted["monitor"], noted["best"]["value"]) == ("averaged/ssim", max(values))
    found = measured(pix2pix, checkpoint="best", weights="averaged", metrics=["ssim", "l1"])
    assert found["averaged", "ssim"]["value"] == pytest.approx(max(values), rel=1e-9)
    assert {name for _, name in found} == {"ssim", "l1"}
    shown = capsys.readouterr().out
    assert f"ssim  {max(values):.4g}" in shown
    assert "outputs for 12 of Edges, domain a (held out) against 64 of Edges (train), extractor digits" in shown


def test_error_bars_and_floors_of_both_directions(cyclegan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {name for weights, name in measured(cyclegan, weights="raw", n_fake=8)}
    assert {"fid_error", "fid_floor", "fid_gap", "fid_b2a_error", "fid_floor_b2a", "fid_gap_b2a"} <= found
    capsys.readouterr()
    measured(cyclegan, weights="raw", n_fake=8, split="test", errors=False)
    assert "against 16 of Styles (test)" in capsys.readouterr().out


def test_what_the_game_does_not_have_is_left_out_by_itself(pix2pix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {name for _, name in measured(pix2pix, weights="raw", errors=False)}
    assert {"fid", "ssim"} <= names
    assert names.isdisjoint({"cycle", "identity", "fid_error"})
    assert "left out: cycle (Pix2Pix has no generator that leads back)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": ["cycle"]}, "metrics: cycle can't be measured, because Pix2Pix has no generator that leads back"),
        ({"metrics": ["sim"]}, "There is no metric 'sim'"),
        ({"against": "pictures", "metrics": ["fid"]}, "held-out images of two domains, and Folder has one"),
    ],
)
def test_wrong_options(options: dict[str, Any], says: str, pix2pix: Path, tmp_path: Path) -> None:
    for i, image in enumerate(Edges(batch_size=1).split("test").b.images[:2]):
        save_png(image, tmp_path / f"{i}.png")
    against = {"against": str(tmp_path)} if "against" in options else {}
    with pytest.raises(UserError, match=says):
        measured(pix2pix, **options | against)


def test_pictures_are_measured_against_the_second_domain(pix2pix: Path, tmp_path: Path) -> None:
    for i, image in enumerate(Edges(batch_size=1).split("train").b.images):
        save_png(image, tmp_path / f"{i:02d}.png")
    fid = measured(tmp_path, against=str(pix2pix), metrics=["fid"])["files", "fid"]
    assert fid["value"] == pytest.approx(0, abs=1e-9)
    with pytest.raises(UserError, match=r"metrics=\[ssim\]: ssim is of runs that translate images"):
        measured(tmp_path, against=str(pix2pix), metrics=["ssim"])


def test_runs_are_compared_by_ssim(pix2pix: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = tmp_path / "again"
    train(f"{PIX2PIX} callbacks.quality.monitor=averaged/ssim seed=1", again)
    capsys.readouterr()
    compare(Compare((str(pix2pix), str(again)), metric="averaged/ssim"))
    shown = capsys.readouterr().out
    assert "averaged/ssim" in shown
    assert "higher is better" in shown


def test_the_command_line_refuses_what_the_game_does_not_have(tmp_path: Path) -> None:
    words = f"model=pix2pix data=edges model.generator.width=4 {QUALITY} callbacks.quality.metrics=[fid,cycle]"
    line = refused(f"{words} trainer.accelerator=cpu threads=1 logger=[]", tmp_path)
    assert line == "callbacks.quality: cycle can't be measured, because Pix2Pix has no generator that leads back."
