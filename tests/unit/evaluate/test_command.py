"""The verb evaluate.py: runs, checkpoints and folders of images, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from door import call, train
from torch import Tensor, nn

from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.sets import digits
from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.toy import Ring
from gan_lightning.errors import UserError
from gan_lightning.evaluate import real_and_evaluator
from gan_lightning.evaluate.command import Evaluate, evaluate
from gan_lightning.evaluate.points import mode_numbers
from gan_lightning.evaluate.real_and_evaluator import evaluator_named
from gan_lightning.evaluate.source import labels_for
from gan_lightning.evaluate.table import table
from gan_lightning.export.command import Export, export
from gan_lightning.games.priors import Normal
from gan_lightning.generate.command import Generate, generate
from gan_lightning.images import save_png
from gan_lightning.networks import DCGANGenerator
from gan_lightning.quality import Number, RealImages
from gan_lightning.runs.loading import Trained
from gan_lightning.runs.protocol import Protocol, require_same

TOY = "trainer.accelerator=cpu logger=[] threads=1 callbacks.scatter.count=20"
UNKNOWN = (Normal(), "raw", {}, {}, {}, Path("nowhere"))
FEW = "evaluator.n_fake=40 evaluator.metrics.fid_infinity=null evaluator.metrics.kid.subset_size=10"
QUALITY = "callbacks=quality callbacks.quality.every_kimg=0.008 callbacks.quality.metrics=[fid]"


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the runs were trained on."""
    monkeypatch.setattr(digits, "TRAIN", 64)
    monkeypatch.setattr(digits, "TEST", 16)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two iterations, measured after each."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    train(f"trainer.max_steps=2 {FEW} evaluator.held_out.memorisation=null {QUALITY}", folder)
    return folder


def measured(source: Path, **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """The records by (averaged or raw, name)."""
    records = evaluate(Evaluate(str(source), **{"threads": 1, "device": "cpu"} | options))
    return {(record["protocol"]["generator"], record["name"]): record for record in records}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 40 digits of the training set as files."""
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "TRAIN", 64)
        patch.setattr(digits, "TEST", 16)
        for i, image in enumerate(Digits(batch_size=1).train_set.images[:40]):
            save_png(image, folder / f"{i:03d}.png")
    return folder


def test_a_run_is_measured_averaged_and_raw(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = measured(run)
    written = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]
    assert written[-len(records) :] == list(records.values())
    names = {name for weights, name in records if weights == "raw"}
    assert {"fid", "fid_error", "fid_floor", "fid_gap", "kid", "precision", "coverage", "classes_covered"} <= names
    assert names == {name for weights, name in records if weights == "averaged"}
    fid = records["averaged", "fid"]
    assert (fid["iteration"], fid["images_seen"], fid["protocol"]["n_real"]) == (2, 16, 64)
    shown = capsys.readouterr().out
    assert f"{fid['value']:.4g} ± " in shown
    assert "40 images against 64 of Digits (train), extractor digits" in shown


def test_it_measures_what_the_callback_measured(run: Path) -> None:
    """The same images, so the same number to the last digit, under the same protocol."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    during = next(x for x in reversed(lines) if x["name"] == "quality/averaged/fid")
    after = measured(run, errors=False)["averaged", "fid"]
    assert after["value"] == pytest.approx(during["value"], rel=1e-9)
    assert Protocol.from_dict(after["protocol"]).difference(Protocol.from_dict(during["protocol"])) == {}


def test_the_best_checkpoint_is_the_one_that_was_best(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    values = [x["value"] for x in lines if x["name"] == "quality/averaged/fid"]
    best = min(values)
    noted = json.loads((run / "summary.json").read_text())["quality"]
    assert (noted["monitor"], noted["best"]["value"]) == ("averaged/fid", best)
    assert noted["final"]["averaged/fid"] == values[-1]
    found = measured(run, checkpoint="best", weights="averaged", errors=False)
    assert found["averaged", "fid"]["value"] == pytest.approx(best, rel=1e-9)
    assert {weights for weights, _ in found} == {"averaged"}


def test_pictures_against_themselves_and_against_a_run(run: Path, pictures: Path) -> None:
    itself = measured(pictures, against=str(pictures), evaluator="digits", metrics=["fid"])
    assert itself["files", "fid"]["value"] == pytest.approx(0, abs=1e-9)
    of_run = measured(pictures, against=str(run), metrics=["fid"])["files", "fid"]  # by that run's metrics
    assert (of_run["protocol"]["n_fake"], of_run["protocol"]["n_real"]) == (40, 64)
    assert of_run["value"] > itself["files", "fid"]["value"]
    assert (pictures / "evaluations.jsonl").is_file()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"checkpoint": "best"}, "best.ckpt is missing"),
        ({"evaluator": "digts"}, "There is no evaluator=digts: choose one of cifar10, digits"),
        ({"extractor": {"weight": "x"}}, "There is no option 'extractor.weight'; this extractor has extractor.weights"),
        ({"data": {"data_dri": "x"}}, "There is no option 'data.data_dri'"),
        ({"n_fake": 0}, "evaluator.n_fake=0"),
        ({"n_fake": 3, "metrics": ["precision_recall"]}, "needs at least .*: metrics= without precision_recall"),
        ({"metrics": ["fdi"]}, "There is no metric 'fdi'"),
        ({"metrics": []}, r"metrics=\[\] measures nothing: name some of fid, "),
        ({"resolution": 16}, "resolution= is for real images in a folder"),
        ({"against": "/nonexistent"}, "/nonexistent"),
        ({"device": "cuda:7"}, "device=cuda:7 is not available"),
    ],
)
def test_wrong_options(options: dict[str, Any], says: str, run: Path) -> None:
    if options.get("checkpoint") == "best":
        run = run.with_name("plain")
        train("trainer.max_steps=1", run)
    with pytest.raises(UserError, match=says):
        measured(run, **options)


@pytest.mark.parametrize("options", [{"n_fake": 5}, {"seed": 3}, {"weights": "raw"}, {"checkpoint": "best"}])
def test_options_of_a_generator_are_refused_for_pictures(options: dict[str, Any], run: Path, pictures: Path) -> None:
    (name,) = options
    with pytest.raises(UserError, match=f"{name}= is for a generator, and .* holds images"):
        measured(pictures, against=str(run), evaluator="digits", metrics=["fid"], **options)


def test_the_numbers_are_shown_where_they_can_not_be_recorded(
    run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(pictures, tmp_path / "copied", ignore=shutil.ignore_patterns("*.jsonl"))
    (copied / "evaluations.jsonl").mkdir()
    with pytest.raises(UserError, match="Can't write"):
        measured(copied, against=str(run), evaluator="digits", metrics=["fid"])
    assert "fid  " in capsys.readouterr().out


def test_pictures_must_be_measured_against_something(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not say what to measure it against"):
        measured(pictures, evaluator="digits", metrics=["fid"])
    with pytest.raises(UserError, match="Say by which evaluator: evaluator=NAME"):
        measured(pictures, against=str(pictures))


def test_a_folder_of_generate_is_measured_against_its_run(run: Path, tmp_path: Path) -> None:
    """Without a word on what against; the sheet beside it is not among the images."""
    folder = generate(Generate(str(run), count=40, to=str(tmp_path / "fakes"), threads=1, device="cpu"))
    assert (tmp_path / "fakes-grid.png").is_file()
    fid = measured(folder, errors=False)["files", "fid"]
    protocol = Protocol.from_dict(fid["protocol"])
    assert (protocol.n_fake, protocol.data, protocol.extractor) == (40, "Digits", "digits")
    assert fid["images"] == str(folder)
    of_run = Protocol.from_dict(measured(run, errors=False)["averaged", "fid"]["protocol"])
    with pytest.raises(UserError, match="differ in: generator 'averaged' and 'files', sampling"):
        require_same(of_run, protocol)
    of_another_seed = measured(run, errors=False, weights="averaged", seed=3)["averaged", "fid"]
    require_same(of_run, Protocol.from_dict(of_another_seed["protocol"]))
    record = json.loads((folder / "generated.json").read_text())
    assert (record["run"], record["file"]) == (run.name, os.path.relpath(run / "checkpoints" / "last.ckpt", folder))
    moved = shutil.copytree(folder, tmp_path / "some" / "other" / "place")
    with pytest.raises(UserError, match=rf"does not say what .* from a run in a folder '{run.name}', which is not"):
        measured(moved)
    (folder / "generated.json").write_text("{")
    with pytest.raises(UserError, match="is damaged: remove it"):
        measured(folder)


def test_an_array_of_generate_is_measured_as_its_pictures(run: Path, tmp_path: Path) -> None:
    """The folder or the file in it; what is no such array is refused in one line."""
    for form in ("png", "npz"):
        generate(Generate(str(run), count=40, to=str(tmp_path / form), format=form, threads=1, device="cpu"))
    fid = {name: measured(tmp_path / name, errors=False)["files", "fid"] for name in ("png", "npz", "npz/images.npz")}
    assert fid["npz"]["value"] == fid["npz/images.npz"]["value"] == pytest.approx(fid["png"]["value"], rel=1e-9)
    require_same(*(Protocol.from_dict(fid[name]["protocol"]) for name in ("png", "npz")))
    assert (tmp_path / "npz" / "evaluations.jsonl").is_file()
    with np.load(tmp_path / "npz" / "images.npz") as arrays:
        np.savez(tmp_path / "theirs.npz", arrays["images"], arrays["seeds"])  # as arr_0 and arr_1
    theirs = measured(tmp_path / "theirs.npz", against=str(run), errors=False)["files", "fid"]
    assert theirs["value"] == fid["npz"]["value"]
    against = measured(tmp_path / "png", against=str(tmp_path / "npz"), evaluator="digits", metrics=["fid"])
    assert against["files", "fid"]["value"] == pytest.approx(0, abs=1e-9)
    both = shutil.copytree(tmp_path / "png", tmp_path / "both")
    shutil.copy(tmp_path / "npz" / "images.npz", both)
    with pytest.raises(UserError, match=r"has images\.npz and 40 picture files: give .*both/images\.npz"):
        measured(both, against=str(run))

    def refusal(path: Path) -> str:
        with pytest.raises(UserError) as caught:
            measured(path, against=str(run), evaluator="digits")
        return str(caught.value)

    torn, other, large, objects = (tmp_path / f"{name}.npz" for name in ("torn", "other", "large", "objects"))
    torn.write_bytes((tmp_path / "npz" / "images.npz").read_bytes()[:3000])
    assert "torn.npz is no .npz: its end is missing" in refusal(torn)
    whole = bytearray((tmp_path / "npz" / "images.npz").read_bytes())
    whole[1000:1100] = bytes(100)
    torn.write_bytes(whole)
    assert "torn.npz can't be read" in refusal(torn)
    np.savez(other, images=np.zeros((3, 28, 28)))
    assert "must be uint8 [N, side, side, 1 or 3], not float64 [3, 28, 28]" in refusal(other)
    np.savez(other, images=np.zeros((3, 28, 32, 1), dtype=np.uint8))
    assert "other.npz: images must be uint8 [N, side, side, 1 or 3], not uint8 [3, 28, 32, 1]" in refusal(other)
    np.savez(other, x=np.zeros((3, 28, 28, 1), dtype=np.uint8), y=np.zeros(3), z=np.zeros((2, 9, 9), dtype=np.uint8))
    assert "but x (uint8 [3, 28, 28, 1]), y (float64 [3]), z (uint8 [2, 9, 9])" in refusal(other)
    np.savez(large, images=np.zeros((3, 32, 32, 1), dtype=np.uint8))
    assert "images of 32 pixels a side, and 28 are measured" in refusal(large)
    np.savez(objects, images=np.array([{}], dtype=object))
    assert "allow_pickle=False" in refusal(objects)


def test_a_damaged_picture_is_not_left_out(run: Path, pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures, tmp_path / "damaged")
    first = min((tmp_path / "damaged").rglob("*.png"))
    first.write_bytes(first.read_bytes()[:60])
    with pytest.raises(UserError, match=f"{first.name} .*Mend or remove them: what is left") as caught:
        measured(tmp_path / "damaged", against=str(run), evaluator="digits")
    assert "skip_damaged" not in str(caught.value)


def test_no_held_out_images_are_one_thing_and_damaged_ones_another(
    run: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured(run, against=str(pictures), weights="raw")
    assert ("raw", "fid_floor") not in found
    said = capsys.readouterr().out
    assert "left out: floor, floor_kid, gap (no held-out images: " in said
    assert "warning: fid of 40 images by 128 features" in said
    load = Digits.load

    def damaged(self: Digits, split: str) -> ImageSet:
        if split == "test":
            raise UserError("the file is damaged")
        return load(self, split)

    monkeypatch.setattr(Digits, "load", damaged)
    with pytest.raises(UserError, match=r"held-out images: the file is damaged \(errors=false does without"):
        measured(run)
    assert ("raw", "fid") in measured(run, weights="raw", errors=False)


def test_an_extractor_that_does_not_classify(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of all metrics those that need classes are left out; one that is asked for by name is refused before drawing."""
    flat = {"_target_": "gan_lightning.metrics.extractors.ModuleExtractor", "module": {"_target_": "torch.nn.Flatten"}}
    node = evaluator_named("digits") | {"extractor": {**flat, "channels": 1, "resolution": 4}}
    monkeypatch.setattr(real_and_evaluator, "evaluator_named", lambda name: node)
    found = measured(run, evaluator="flat", n_fake=40, weights="raw", errors=False)
    assert "left out: inception_score (InceptionScore: the extractor gives no class" in capsys.readouterr().out
    assert ("raw", "precision") in found
    with pytest.raises(UserError, match="no class probabilities"):
        measured(run, evaluator="flat", n_fake=40, metrics=["inception_score"])


def test_an_exported_generator(run: Path, tmp_path: Path) -> None:
    to = export(Export(str(run), to=str(tmp_path / "model"), formats=[]))
    of_run = measured(run, errors=False)["averaged", "fid"]["value"]
    options = {"against": str(run), "evaluator": "digits", "n_fake": 40, "metrics": ["fid"], "weights": "averaged"}
    assert measured(to, **options)["averaged", "fid"]["value"] == pytest.approx(of_run, rel=1e-9)
    with pytest.raises(UserError, match="does not say what to measure it against"):
        measured(to)
    with pytest.raises(UserError, match="is an export, which has no data: against=RUN_FOLDER"):
        measured(run, against=str(to))
    raw = export(Export(str(run), to=str(tmp_path / "raw"), formats=[], raw=True))
    assert {weights for weights, _ in measured(raw, **options | {"weights": "both"})} == {"raw"}


def test_what_needs_more_images_is_left_out_and_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(run, evaluator="digits", n_fake=40)
    out = capsys.readouterr().out
    assert "left out: fid_infinity (FrechetDistanceAtInfinity needs at least 1290 samples" in out
    assert ("averaged", "kid") in found  # by smaller subsets
    assert ("averaged", "fid_infinity") not in found
    with pytest.raises(UserError, match=r"needs at least 1290 .*: metrics= without fid_infinity"):
        measured(run, evaluator="digits", n_fake=40, metrics=["fid_infinity"])


def test_against_the_test_split_nothing_is_held_out(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(run, evaluator="digits", n_fake=40, split="test", weights="raw")
    assert "left out: floor, floor_kid, gap, memorisation (split=test measures against" in capsys.readouterr().out
    assert ("raw", "fid_floor") not in found


def test_points_have_modes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call(f"data=toy trainer.max_steps=2 data.batch_size=8 data.num_points=800 {TOY}", tmp_path / "toy").status == 0
    )
    found = measured(tmp_path / "toy", n_fake=500)
    assert {name for _, name in found} == {"modes", "high_quality_share"}
    protocol = found["averaged", "modes"]["protocol"]
    assert (protocol["n_fake"], protocol["metric"]) == (500, "ModeCoverage(modes=8, std=0.02, radius=3)")
    assert found["raw", "modes"]["iteration"] == 2
    assert "500 points against the 8 modes of Ring" in capsys.readouterr().out
    with pytest.raises(UserError, match="evaluator= is for images"):
        measured(tmp_path / "toy", evaluator="digits")


def test_modes_are_counted_exactly() -> None:
    """A generator of five of eight modes, a tenth of whose points are astray."""

    class Five(nn.Module):
        def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
            points = ring.centers[torch.arange(len(z)) % 5]
            points[: len(z) // 10] = 9.0
            return points[:, :, None, None]

    ring = Ring(batch_size=8, num_points=80)
    generator = Trained(Five(), Normal(), "raw", {}, {}, {}, Path("nowhere"))
    generator.generator.latent_dim = 2
    modes, share = mode_numbers(generator, ring, 1000, 0, torch.device("cpu"))
    assert (modes.value, share.value) == (5, pytest.approx(0.9))


def test_what_can_not_be_measured(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is nothing at"):
        measured(tmp_path / "lost")
    (tmp_path / "begun").mkdir()
    shutil.copy(run / "resolved.yaml", tmp_path / "begun")
    with pytest.raises(UserError, match="holds no run with a checkpoint"):
        measured(tmp_path / "begun")
    torn = tmp_path / "torn.ckpt"
    torn.write_bytes((run / "checkpoints" / "last.ckpt").read_bytes()[:2000])
    with pytest.raises(UserError, match="is damaged or no checkpoint"):
        measured(torn)
    torch.save({"state_dict": {"weight": torch.ones(2)}}, tmp_path / "others.ckpt")
    with pytest.raises(UserError, match="is no checkpoint of gan-lightning"):
        measured(tmp_path / "others.ckpt")
    with pytest.raises(UserError, match=r"chooses from a run folder's checkpoints, and .*last\.ckpt is none"):
        measured(run / "checkpoints" / "last.ckpt", checkpoint="best")
    (tmp_path / "notes.txt").write_text("no pictures")
    with pytest.raises(UserError, match=r"notes\.txt is no checkpoint .* or zip of images"):
        measured(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no pictures"):
        measured(tmp_path / "empty", against=str(run), evaluator="digits")


def test_labels_of_other_classes_are_refused() -> None:
    ten = Trained(DCGANGenerator(channels=1, resolution=28, num_classes=2, conditioning="concat"), *UNKNOWN)
    images = torch.zeros(3, 1, 28, 28, dtype=torch.uint8)
    assert labels_for(ten, RealImages("a", "train", images, torch.tensor([0, 1, 1]))) is not None
    with pytest.raises(UserError, match="of 2 classes, and the real ones have 3"):
        labels_for(ten, RealImages("a", "train", images, torch.tensor([0, 1, 2])))
    with pytest.raises(UserError, match="have none"):
        labels_for(ten, RealImages("a", "train", images))


def test_the_table_has_errors_beside_their_numbers() -> None:
    protocol = Protocol("e", "0", "data", "train", "0", 2, 2, "", "", "raw", "")
    numbers = [
        Number("fid", 12.345, protocol),
        Number("fid_error", 0.25, protocol),
        Number("class_share/0", 1, protocol),
    ]
    shown = table({"raw": numbers, "averaged": numbers[:1]})
    assert [line.split() for line in shown.splitlines()] == [
        ["raw", "averaged"],
        ["fid", "12.35", "±", "0.25", "12.35"],
    ]
