"""``generate.py`` as a user meets it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from door import train
from PIL import Image
from verbs import call, done
from verbs import refused as refused_by

import gan_lightning
from gan_lightning.data.sets import digits
from gan_lightning.generate.command import main
from gan_lightning.generate.sampler import SeedDraw
from gan_lightning.images import to_bytes
from gan_lightning.metrics.extractors import ClassifierExtractor
from gan_lightning.runs.loading import stored_at


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generate") / "run"
    train("trainer.max_steps=3", folder)
    return folder


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generate") / "conditional"
    train("trainer.max_steps=3 conditioning=projection", folder)
    return folder


def generate(source: Path, to: Path, line: str = "") -> dict[str, Any]:
    """The record of what was written."""
    done(main, f"{source} to={to} threads=1 device=cpu {line}")
    return json.loads((to / "generated.json").read_text())


def refused(line: str) -> str:
    return refused_by(main, line)


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file)).astype(int)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_images_are_the_generators_own(run: Path, tmp_path: Path) -> None:
    generate(run, tmp_path / "new", "seeds=[3,0-1]")
    wanted = ["seed-000000.png", "seed-000001.png", "seed-000003.png"]
    assert names(tmp_path / "new") == ["generated.json", *wanted]
    assert (tmp_path / "new-grid.png").is_file()
    assert Image.open(tmp_path / "new" / wanted[0]).mode == "L"
    generator = gan_lightning.load(run)
    expected = to_bytes(generator(SeedDraw((0, 1, 3)).normal("z", (3, generator.latent_dim))))
    for name, image in zip(wanted, expected[:, 0].numpy(), strict=True):
        assert np.abs(pixels(tmp_path / "new" / name) - image).max() <= 1


def test_one_seed_is_one_image_in_every_batch(run: Path, tmp_path: Path) -> None:
    generate(run, tmp_path / "sevens", "count=20 batch_size=7")
    generate(run, tmp_path / "alone", "seeds=13")
    assert (
        np.abs(pixels(tmp_path / "sevens" / "seed-000013.png") - pixels(tmp_path / "alone" / "seed-000013.png")).max()
        <= 1
    )


def test_raw_weights_draw_something_else(run: Path, tmp_path: Path) -> None:
    records = [generate(run, tmp_path / raw, f"count=1 raw={raw}") for raw in ("false", "true")]
    assert [record["weights"] for record in records] == ["averaged", "raw"]
    assert records[0]["sha256"] != records[1]["sha256"]
    assert records[0]["sha256"] == stored_at(run).trained().sha256()


def test_the_record_says_what_was_drawn(run: Path, tmp_path: Path) -> None:
    record = generate(run / "checkpoints" / "last.ckpt", tmp_path / "new", "seeds=[5-7,9] truncation=0.5")
    assert record["seeds"] == ["5-7", "9"]
    assert record["images"] == 4
    assert record["truncation"] == 0.5
    assert record["trained"]["iteration"] == 3
    assert record["prior"] == {"_target_": "gan_lightning.games.priors.Normal"}
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_without_to_folders_are_numbered_in_the_run(run: Path) -> None:
    for number in ("0", "1"):
        assert f"generated/{number}" in done(main, f"{run} count=1 threads=1")
        assert (run / "generated" / number / "seed-000000.png").is_file()


def test_classes_stand_side_by_side(conditional: Path, tmp_path: Path) -> None:
    record = generate(conditional, tmp_path / "new", "seeds=[4,8] classes=[7,2,5]")
    assert record["classes"] == [7, 2, 5]
    wanted = [f"seed-00000{seed}-class-{label}.png" for seed in (4, 8) for label in (7, 2, 5)]
    assert names(tmp_path / "new") == sorted(["generated.json", *wanted])
    sheet = pixels(tmp_path / "new-grid.png")
    assert sheet.shape == (2 * 30 + 2, 3 * 30 + 2)  # a row for each seed, a column for each class
    cells = [sheet[top : top + 28, left : left + 28] for top in (2, 32) for left in (2, 32, 62)]
    for name, cell in zip(wanted, cells, strict=True):
        assert np.array_equal(cell, pixels(tmp_path / "new" / name))


def test_without_classes_each_seed_has_its_own(conditional: Path, tmp_path: Path) -> None:
    generate(conditional, tmp_path / "many", "count=12")
    generate(conditional, tmp_path / "one", "seeds=11")
    (alone,) = (name for name in names(tmp_path / "one") if name.startswith("seed-"))
    assert alone in names(tmp_path / "many")
    assert len({name.partition("class-")[2] for name in names(tmp_path / "many") if "class" in name}) > 3


def test_a_large_set_is_nothing_but_images(run: Path, tmp_path: Path) -> None:
    generate(run, tmp_path / "new", "count=101")
    assert names(tmp_path / "new") == ["generated.json", *(f"seed-{seed:06d}.png" for seed in range(101))]
    generate(run, tmp_path / "sheet", "count=101 grid=true zoom=2")
    assert pixels(tmp_path / "sheet-grid.png").shape == (8 * 58 + 2, 8 * 58 + 2)


def test_npz(conditional: Path, tmp_path: Path) -> None:
    generate(conditional, tmp_path / "png", "seeds=0-9")
    generate(conditional, tmp_path / "npz", "seeds=0-9 format=npz batch_size=4")
    with np.load(tmp_path / "npz" / "images.npz") as arrays:
        assert arrays["images"].shape == (10, 28, 28, 1)
        for image, seed, label in zip(arrays["images"], arrays["seeds"], arrays["labels"], strict=True):
            single = pixels(tmp_path / "png" / f"seed-{seed:06d}-class-{label}.png")
            assert np.abs(image[:, :, 0].astype(int) - single).max() <= 1


def test_neighbours_come_from_the_training_images(run: Path, tmp_path: Path) -> None:
    record = generate(run, tmp_path / "new", "count=20 neighbours=2")
    assert pixels(tmp_path / "new-neighbours.png").shape == (16 * 30 + 2, 3 * 30 + 2)
    assert [each["seed"] for each in record["neighbours"]] == list(range(16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "TRAIN", 64)
        patch.setattr(digits, "TEST", 16)
        training = digits.digits(0)[:64, 0].astype(float) / 255
    first = pixels(tmp_path / "new" / "seed-000000.png") / 255
    distances = np.sqrt(((training - first) ** 2).sum((1, 2)))
    assert record["neighbours"][0]["indices"] == distances.argsort()[:2].tolist()
    assert record["neighbours"][0]["distances"] == pytest.approx(np.sort(distances)[:2].tolist(), abs=0.02)


def test_neighbours_by_features(run: Path, tmp_path: Path) -> None:
    """A training image's nearest is itself, whatever is measured; here the distances are those of the extractor."""
    record = generate(run, tmp_path / "new", "count=2 neighbours=3 near=features grid=false")
    extractor = ClassifierExtractor(weights="digits")
    sample = torch.from_numpy(np.asarray(Image.open(tmp_path / "new" / "seed-000001.png")).copy())[None, None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "TRAIN", 64)
        patch.setattr(digits, "TEST", 16)
        training = torch.from_numpy(digits.digits(0)[:64])
    distances = (extractor(sample).features - extractor(training).features).norm(dim=1)
    assert record["neighbours"][1]["indices"] == distances.argsort()[:3].tolist()
    assert record["neighbours"][1]["distances"] == pytest.approx(distances.sort().values[:3].tolist(), abs=1e-3)


def test_classes_by_name(conditional: Path, tmp_path: Path) -> None:
    generate(conditional, tmp_path / "new", "seeds=1 classes=['7',2]")
    assert names(tmp_path / "new") == ["generated.json", "seed-000001-class-2.png", "seed-000001-class-7.png"]
    assert "the classes 0, 1, 2, 3, 4," in refused(f"{conditional} classes=seven")


@pytest.mark.parametrize(("line", "rows", "frames"), [("seeds=[1,2,3] steps=4", 1, 9), ("count=2 loop=true", 1, 16)])
def test_between_seeds(line: str, rows: int, frames: int, run: Path, tmp_path: Path) -> None:
    record = generate(run, tmp_path / "new", f"interpolate=seeds {line}")
    assert (record["rows"], record["frames"]) == (rows, frames)
    assert pixels(tmp_path / "new" / "interpolation.png").shape == (rows * 30 + 2, frames * 30 + 2)


def test_between_classes(conditional: Path, tmp_path: Path) -> None:
    record = generate(
        conditional, tmp_path / "new", "interpolate=classes classes=[1,3] count=2 steps=3 format=gif zoom=2"
    )
    assert (record["rows"], record["frames"]) == (2, 4)
    with Image.open(tmp_path / "new" / "interpolation.gif") as film:
        assert film.size == (60, 2 * 58 + 2)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cout=3", "There is no option 'cout'. Did you mean count?"),
        ("classes=3", "this generator takes no labels"),
        ("interpolate=classes", "this generator takes no labels"),
        ("count=0", "at least one image"),
        ("seeds=[1,1]", "a seed twice"),
        ("truncation=-1", "truncation=-1: give more than 0"),
        ("truncation=nan", "truncation=nan: a finite number is needed"),
        ("truncation_w=inf", "truncation_w=inf: a finite number is needed"),
        ("truncation_w=-1", "truncation_w=-1: 0 is the mean style"),
        ("truncation_w=0.7", "DCGANGenerator has no styles"),
        ("near=features", "near= says what makes"),
        ("batch_size=0", "batch_size=0: give at least 1"),
        ("threads=0", "threads=0: give at least 1"),
        ("format=gif", "format=gif: single images can be png or npz"),
        ("format=bmp", "format=bmp: null or png or npz or strip or gif or mp4 is needed"),
        ("loop=true", "loop= goes with interpolate="),
        ("interpolate=seeds neighbours=3", "neighbours= does not go with interpolate="),
        ("interpolate=seeds format=png", "an interpolation can be strip or gif or mp4"),
        ("interpolate=seeds seeds=1", "needs two at least"),
        ("data.data_dir=x", "say how many"),
        ("neighbours=2 data.rot=x", "There is no option 'data.rot'"),
        ("neighbours=65", "there are 64 training images"),
        ("device=gpu", "device=gpu is not available here"),
        ("checkpoint=best", "best.ckpt is missing"),
    ],
)
def test_mistakes_write_nothing(line: str, says: str, run: Path, tmp_path: Path) -> None:
    assert says in refused(f"{run} to={tmp_path / 'new'} threads=1 {line}")
    assert not (tmp_path / "new").exists()


def test_a_missing_encoder_is_told_before_anything_is_drawn(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert "gan-lightning[video]" in refused(f"{run} to={tmp_path / 'new'} threads=1 interpolate=seeds format=mp4")
    assert not (tmp_path / "new").exists()


def test_classes_that_there_are_not(conditional: Path) -> None:
    assert "has the classes 0, 1, 2" in refused(f"{conditional} classes=[1,10]")


def test_what_is_no_run(tmp_path: Path, run: Path) -> None:
    assert "last.ckpt is missing" in refused(str(tmp_path))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.png").touch()
    assert "holds files already" in refused(f"{run} to={tmp_path / 'full'} count=1")
    shutil.copy(run / "metrics.jsonl", tmp_path / "last.ckpt")
    assert "damaged" in refused(str(tmp_path / "last.ckpt"))


def test_a_strangers_network_is_not_built(run: Path, tmp_path: Path) -> None:
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    stored["config"]["model"]["prior"] = {"_target_": "os.mkdir", "path": str(tmp_path / "PWNED")}
    torch.save(stored, tmp_path / "evil.ckpt")
    assert "is not built unasked" in refused(str(tmp_path / "evil.ckpt"))
    assert not (tmp_path / "PWNED").exists()


def test_help() -> None:
    answer = call(main, "--help")
    assert answer.status == 0
    assert "python generate.py SOURCE [option=value ...]" in answer.out
