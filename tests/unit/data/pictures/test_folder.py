"""Your own pictures, from the files to the batches."""

from __future__ import annotations

import os
import shutil
import sys
import time
import zipfile
from collections.abc import Callable
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data.image_set import with_channels
from gan_lightning.data.pictures import folder as folder_module
from gan_lightning.data.pictures import pixels
from gan_lightning.data.pictures.folder import Folder
from gan_lightning.data.pictures.layout import place
from gan_lightning.errors import UserError

SIDE = 8
CLASSES = ("cat", "dog", "eel")
NAMES = [f"{CLASSES[i % 3]}/{i:02d}.png" for i in range(60)]
HELD_OUT = [name for name in NAMES if place(name) < 0.2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for this test alone."""
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """60 pictures of three classes; picture i has the red i and the green 7."""
    for i, name in enumerate(NAMES):
        picture(tmp_path / "pictures" / name, (i, 7, 0))
    return tmp_path / "pictures"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The contents of the files that have been decoded since the test began."""
    contents: list[bytes] = []

    def counted(content: bytes, **options: Any) -> Any:
        contents.append(content)
        return original(content, **options)

    original = folder_module.decode
    monkeypatch.setattr(folder_module, "decode", counted)
    return contents


def picture(path: Path, colour: Any, mode: str = "RGB", size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


def ready(root: Path | str | None, **options: Any) -> Folder:
    place = None if root is None else str(root)
    data = Folder(root=place, **{"resolution": SIDE, "test_share": 0.2, "batch_size": 4} | options)
    data.prepare_data()
    data.setup("fit")
    return data


def reds(data: Folder, split: str) -> list[int]:
    return data.split(split).images[:, 0, 0, 0].tolist()


def test_folders_are_classes_and_a_part_is_held_out(root: Path) -> None:
    data = ready(root)
    assert (data.channels, data.resolution, data.num_classes, data.class_names) == (3, SIDE, 3, CLASSES)
    assert 0 < len(HELD_OUT) < 30
    for split, names in (("train", [name for name in NAMES if name not in HELD_OUT]), ("test", HELD_OUT)):
        labels = data.split(split).labels
        assert labels is not None
        found = zip((CLASSES[label] for label in labels.tolist()), reds(data, split), strict=True)
        assert sorted(found) == sorted((name.split("/")[0], NAMES.index(name)) for name in names)
    assert (data.split("train").images[:, 1] == 7).all()
    assert data.description() == (
        f"{60 - len(HELD_OUT)} images 3x8x8 from {root}, {len(HELD_OUT)} more held out, 3 classes (cat, dog, eel)"
    )


def test_a_zip_is_the_same_as_a_folder(root: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(root))
    for split in ("train", "test"):
        ours, theirs = ready(root).split(split), ready(tmp_path / "pictures.zip").split(split)
        assert torch.equal(ours.images, theirs.images)
        assert ours.labels is not None
        assert theirs.labels is not None
        assert torch.equal(ours.labels, theirs.labels)


def test_without_folders_there_are_no_labels(tmp_path: Path) -> None:
    for i in range(3):
        picture(tmp_path / "flat" / f"{i}.png", (i, 0, 0))
    data = ready(tmp_path / "flat", test_share=0, batch_size=64)
    assert (data.num_classes, data.split("train").labels, sorted(reds(data, "train"))) == (0, None, [0, 1, 2])
    assert data.description().endswith("0 more held out, fewer images than a batch, which shows some of them again")
    with pytest.raises(UserError, match="this data set has no labels"):
        ready(tmp_path / "flat", classes=["cat"])


def test_classes_are_chosen_before_anything_is_decoded(root: Path, decoded: list[bytes]) -> None:
    data = ready(root, classes=["eel", 0], test_share=0)
    assert len(decoded) == 40
    assert data.class_names == ("eel", "cat")
    labels = data.split("train").labels
    assert labels is not None
    assert [red % 3 for red in reds(data, "train")] == [{0: 2, 1: 0}[label] for label in labels.tolist()]
    with pytest.raises(UserError, match="'cow', which is no class"):
        ready(root, classes=["cow"])


def test_a_wrong_claim_about_the_classes_is_refused(root: Path) -> None:
    with pytest.raises(UserError, match="num_classes=2, but the data have 3"):
        ready(root, num_classes=2)


def test_grey_is_kept_where_all_is_grey(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "a.png", 10, "L")
    picture(tmp_path / "set" / "b.png", (20, 20, 20))
    grey = ready(tmp_path / "set", test_share=0)
    assert sorted(grey.split("train").images[:, :, 0, 0].tolist()) == [[10], [20]]
    repeated = ready(tmp_path / "set", test_share=0, channels=3)
    assert sorted(repeated.split("train").images[:, :, 0, 0].tolist()) == [[10] * 3, [20] * 3]
    picture(tmp_path / "set" / "c.png", (20, 20, 21))
    colour = ready(tmp_path / "set", test_share=0)
    assert sorted(colour.split("train").images[:, :, 0, 0].tolist()) == [[10] * 3, [20] * 3, [20, 20, 21]]


def test_colour_becomes_luma_without_being_decoded_again(root: Path, cache: Path, decoded: list[bytes]) -> None:
    colour, grey = ready(root).split("train").images, ready(root, channels=1).split("train").images
    assert torch.equal(grey, with_channels(colour, 1))
    (luma,) = cache.rglob("1.raw")
    luma.write_bytes(b"short")
    assert torch.equal(ready(root, channels=1).split("train").images, grey)
    assert len(decoded) == 60


def test_it_is_decoded_once(root: Path, decoded: list[bytes]) -> None:
    first = ready(root).split("train").images
    facts_filled_in = {"channels": 3, "num_classes": 3, "resolution": SIDE}  # as in the other processes of a run
    ready(root, test_share=0.5)
    for options in ({}, facts_filled_in, {"in_memory_gb": 0.0}, {"batch_size": 2, "flip": True}):
        assert torch.equal(ready(root, **options).split("train").images, first)
    moved = root.with_name("elsewhere")
    root.rename(moved)
    assert torch.equal(ready(moved).split("train").images, first)
    assert len(decoded) == 60


class Terminal(StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_runs_to_its_end_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", first := Terminal())
    ready(root)
    monkeypatch.setattr(sys, "stderr", second := Terminal())
    ready(root)
    assert "60/60" in first.getvalue()
    assert second.getvalue() == ""


@pytest.mark.parametrize("options", [{"resolution": 16}, {"background": "black"}])
def test_other_settings_are_decoded_anew(options: dict[str, Any], root: Path, decoded: list[bytes]) -> None:
    ready(root)
    ready(root, **options)
    assert len(decoded) == 120


def test_what_was_changed_is_seen(root: Path) -> None:
    before = reds(ready(root, test_share=0), "train")
    picture(root / NAMES[0], (200, 0, 0))
    os.utime(root / NAMES[0], ns=(1, 1))
    assert reds(ready(root, test_share=0), "train") == [red or 200 for red in before]
    (root / NAMES[0]).unlink()
    assert reds(ready(root, test_share=0), "train") == [red for red in before if red]


def damage(root: Path, *names: str) -> None:
    for name in names:
        (root / name).write_bytes((root / name).read_bytes()[:50])


def test_damaged_files_are_all_named_and_can_be_left_out(root: Path, decoded: list[bytes]) -> None:
    damage(root, NAMES[0], NAMES[31])
    (root / NAMES[2]).write_bytes(b"")
    with pytest.raises(UserError) as caught:
        ready(root)
    message = str(caught.value)
    assert message.startswith(f"3 picture(s) in data.root={root} can't be read: ")
    assert all(name in message for name in (f"{NAMES[0]} (", f"{NAMES[31]} (", f"{NAMES[2]} (it is none of"))
    assert message.endswith("data.skip_damaged=true")
    assert len(decoded) == 60
    data = ready(root, skip_damaged=True, test_share=0.2)
    assert len(decoded) == 60  # pictures that could be read were kept
    kept = sorted(set(range(60)) - {0, 31, 2})
    assert sorted(reds(data, "train") + reds(data, "test")) == kept
    labels = data.split("train").labels
    assert labels is not None
    assert [red % 3 for red in reds(data, "train")] == labels.tolist()
    assert "3 left out that can't be read" in data.description()


def test_of_many_damaged_files_the_rest_stand_in_a_file(root: Path) -> None:
    damage(root, *NAMES[:25])
    with pytest.raises(UserError, match=r"and 5 more\. All of them stand in (.*)\. Mend") as caught:
        ready(root)
    place = str(caught.value).split("stand in ")[1].split(". Mend")[0]
    assert all(name in Path(place).read_text() for name in NAMES[:25])


def test_a_name_that_cannot_be_printed_is_no_trouble(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    picture(tmp_path / "set" / name, (1, 2, 3))
    assert ready(tmp_path / "set", test_share=0).num_images == 1
    damage(tmp_path / "set", name)
    os.utime(tmp_path / "set" / name, ns=(1, 1))
    with pytest.raises(UserError) as caught:
        ready(tmp_path / "set", test_share=0)
    assert r"caf\udce9.png" in str(caught.value).encode().decode()


def maps() -> str:
    return Path("/proc/self/maps").read_text()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows what a process has mapped")
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_large_set_stays_on_disk(split: str, root: Path, cache: Path) -> None:
    size = ready(root).split(split).images.nbytes
    assert str(cache) not in maps()
    mapped, loaded = (ready(root, in_memory_gb=(size - less) / 1e9).split(split).images for less in (1, 0))
    areas = [line.split()[0].split("-") for line in maps().splitlines() if str(cache) in line]
    assert torch.equal(mapped, loaded)
    inside = [any(int(a, 16) <= images.data_ptr() < int(b, 16) for a, b in areas) for images in (mapped, loaded)]
    assert inside == [True, False]


def test_batches_are_the_same_from_disk_and_from_memory(root: Path) -> None:
    def batches(data: Folder) -> list[torch.Tensor]:
        trainer: Any = SimpleNamespace(
            lightning_module=SimpleNamespace(iteration=0),
            global_rank=0,
            world_size=1,
            strategy=SimpleNamespace(root_device=torch.device("cpu")),
        )
        data.trainer = trainer
        return [part for i in range(30) for part in data.train_dataloader().batch(i)]

    memory, disk = (batches(ready(root, in_memory_gb=limit, flip=True)) for limit in (4.0, 0.0))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(memory, disk, strict=True))


def test_writing_into_a_mapped_set_leaves_the_file_alone(root: Path) -> None:
    images = ready(root, in_memory_gb=0.0).split("train").images
    before = images.clone()
    images.zero_()
    assert torch.equal(ready(root).split("train").images, before)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda stored: (stored / "3.raw").write_bytes(b"short"), id="a short file"),
        pytest.param(lambda stored: (stored / "3.raw").unlink(), id="no file"),
        pytest.param(lambda stored: (stored / "facts.json").write_text("{"), id="half of the facts"),
        pytest.param(lambda stored: (stored / "facts.json").write_text("{}"), id="no facts"),
        pytest.param(lambda stored: stored.rename(stored.with_suffix(".unfinished")), id="killed before the end"),
    ],
)
def test_what_is_not_whole_is_made_again(
    harm: Callable[[Path], Any], root: Path, cache: Path, decoded: list[bytes]
) -> None:
    before = ready(root).split("train").images
    (stored,) = (path for path in cache.iterdir() if path.is_dir())
    harm(stored)
    assert torch.equal(ready(root).split("train").images, before)
    assert len(decoded) == 120
    assert [path for path in cache.iterdir() if path.is_dir()] == [stored]
    assert sorted(path.name for path in stored.iterdir()) == ["3.raw", "facts.json"]


def test_an_interruption_leaves_nothing_behind(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pixels, "is_grey", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ready(root)
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def decode_slowly(root: Path, log: Path) -> None:
    """Decode in another process; the log gets a line for each picture, and one for an error."""

    def slow(content: bytes, **options: Any) -> Any:
        with log.open("a") as file:
            file.write("decoded\n")
        time.sleep(0.005)
        return original(content, **options)

    original = folder_module.decode
    folder_module.decode = slow
    try:
        ready(root)
    except UserError as error:
        with log.open("a") as file:
            file.write(f"{error}\n")


@pytest.mark.forks
@pytest.mark.parametrize("damaged", [False, True])
def test_of_two_processes_one_decodes_and_both_end_alike(damaged: bool, root: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    if damaged:
        damage(root, NAMES[0])
    processes = [get_context("fork").Process(target=decode_slowly, args=(root, log)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    lines = log.read_text().splitlines()
    errors = [line for line in lines if line != "decoded"]
    assert len(lines) - len(errors) == 60
    assert len(errors) == 2 * damaged
    assert all(NAMES[0] in error and error == errors[0] for error in errors)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"root": None}, "data.root=... must say where"),
        ({"test_share": 1.0}, "data.test_share=1.0 must be at least 0 and less than 1"),
        ({"resolution": 0}, "data.resolution must be"),
        ({"channels": 2}, "null, 1 or 3, not 2"),
        ({"root": "/nowhere"}, "data.root=/nowhere: there is no such folder or zip"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str, root: Path) -> None:
    with pytest.raises(UserError, match=message):
        ready(**{"root": root} | options)


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no pictures, but nothing at all: the name of a picture ends in \.jpg"):
        ready(tmp_path)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.heic").write_bytes(b"heic")
    with pytest.raises(UserError, match=r"has no pictures, but \.heic 1: "):
        ready(tmp_path / "set")
    picture(tmp_path / "one" / "25.png", 0, "L")
    with pytest.raises(UserError, match=r"no pictures to train on: data.test_share=0.2 holds out 1 of 1"):
        ready(tmp_path / "one")
    assert ready(tmp_path / "one", test_share=0).num_images == 1
    with pytest.raises(UserError, match=r"no pictures to test with: data.test_share=0 holds out 0 of 1"):
        ready(tmp_path / "one", test_share=0).split("test")
    (tmp_path / "one" / "25.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"no pictures to train on: data.test_share=0 holds out 0 of 0"):
        ready(tmp_path / "one", test_share=0, skip_damaged=True)


def test_a_disk_without_room_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=60 * 3 * SIDE**2 - 1))
    with pytest.raises(UserError, match=r"take 0.0 GB, and .* set GAN_LIGHTNING_CACHE to a folder that has the room"):
        ready(root)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"can't be kept in .*\(File exists\): set GAN_LIGHTNING_CACHE"):
        ready(root)


def test_real_photographs_come_back(data_dir: Path, tmp_path: Path) -> None:
    """CIFAR-10's first pictures, enlarged four times, look like themselves when they are read at 32 pixels again."""
    from gan_lightning.data.sets.torchvision_sets import CIFAR10

    originals = CIFAR10(batch_size=1, data_dir=str(data_dir), download=False).split("test").images[:40]
    (tmp_path / "set").mkdir()
    for i, image in enumerate(originals.permute(0, 2, 3, 1).numpy()):
        large = Image.fromarray(image).resize((128, 128), Image.Resampling.BICUBIC)
        large.save(tmp_path / "set" / f"{i:02d}.{'png' if i % 2 else 'jpg'}", quality=95)
    read = ready(tmp_path / "set", resolution=32, test_share=0).split("train").images
    order = sorted(range(40), key=lambda i: -place(f"{i:02d}.{'png' if i % 2 else 'jpg'}"))
    error = np.abs(read.numpy().astype(int) - originals[order].numpy().astype(int))
    assert error.mean() < 4


def test_a_picture_of_gigabytes_in_a_small_zip_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "bomb.zip"
    picture(tmp_path / "good.png", (1, 2, 3))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(tmp_path / "good.png", "good.png")
        with file.open("bomb.bmp", "w", force_zip64=True) as inside:
            for _ in range(600):
                inside.write(bytes(1_000_000))
    assert archive.stat().st_size < 2_000_000
    monkeypatch.setattr(zipfile.ZipFile, "read", refuse_large(zipfile.ZipFile.read))
    data = Folder(root=str(archive), resolution=SIDE, batch_size=1, test_share=0)
    with pytest.raises(UserError, match=r"bomb\.bmp \(it is 0\.6 GB large unpacked, and at most 0\.5 are read\)"):
        data.prepare_data()


def refuse_large(read: Callable[..., bytes]) -> Callable[..., bytes]:
    """A function that reads as ``read`` does, but only the good picture."""

    def checked(self: zipfile.ZipFile, name: str) -> bytes:
        assert name == "good.png"
        return read(self, name)

    return checked
