"""Pairs and domains of pictures of one's own, from the files to the batches, and one line for each mistake."""

from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data.image_set import with_channels
from gan_lightning.data.pictures.layout import place
from gan_lightning.data.translation.datamodule import TranslationDataModule
from gan_lightning.data.translation.domains import Domains
from gan_lightning.data.translation.loader import TwoSidedLoader
from gan_lightning.data.translation.pairs import Pairs
from gan_lightning.errors import NoSuchSplit, UserError

SIDE = 8
NAMES = [f"{'street/' if i % 2 else ''}{i:02d}" for i in range(40)]
HELD_OUT = [name for name in NAMES if place(name) < 0.25]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def picture(path: Path, colour: Any, mode: str = "RGB", size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """40 pairs in a/ and b/; the red of number i is i in both, green is 7 in a and 9 in b, and the endings differ."""
    for i, name in enumerate(NAMES):
        picture(tmp_path / "data" / "a" / f"{name}.png", (i, 7, 0))
        picture(tmp_path / "data" / "b" / f"{name}.bmp", (i, 9, 0))
    return tmp_path / "data"


def ready(data: TranslationDataModule) -> Any:
    data.prepare_data()
    data.setup("fit")
    return data


def pairs(folder: Path, **options: Any) -> Any:
    places = {"a": str(folder / "a"), "b": str(folder / "b")}
    if {"root", "glued"} & options.keys():
        places = {}
    return ready(Pairs(**{**places, "resolution": SIDE, "test_share": 0.25, "batch_size": 4} | options))


def domains(root: Path, **options: Any) -> Any:
    places = {"a": str(root / "a"), "b": str(root / "b")}
    return ready(Domains(**{**places, "resolution": SIDE, "test_share": 0.25, "batch_size": 4} | options))


def loader_of(data: TranslationDataModule, rank: int = 0, world_size: int = 1, iteration: int = 0) -> TwoSidedLoader:
    """The loader that a trainer with these numbers would get."""
    trainer: Any = SimpleNamespace(
        lightning_module=SimpleNamespace(iteration=iteration),
        global_rank=rank,
        world_size=world_size,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    data.trainer = trainer
    return data.train_dataloader()


def numbers(data: Any, split: str) -> list[int]:
    """The numbers of the pairs in a split, after a look at both sides."""
    sides = data.split(split)
    assert torch.equal(sides.a.images[:, 0], sides.b.images[:, 0])
    assert (sides.a.images[:, 1] == 7).all()
    assert (sides.b.images[:, 1] == 9).all()
    return sides.a.images[:, 0, 0, 0].tolist()


def test_pictures_of_one_name_are_pairs(root: Path) -> None:
    data = pairs(root)
    assert 0 < len(HELD_OUT) < 20
    assert sorted(numbers(data, "test")) == [i for i, name in enumerate(NAMES) if name in HELD_OUT]
    assert sorted(numbers(data, "train")) == [i for i, name in enumerate(NAMES) if name not in HELD_OUT]
    assert (data.channels_a, data.channels_b, data.resolution, data.num_classes) == (3, 3, (SIDE, SIDE), 0)
    assert data.num_images == 40 - len(HELD_OUT)
    assert data.description() == (
        f"{40 - len(HELD_OUT)} pairs of images 3x8x8 -> 3x8x8 from data.a={root / 'a'} and data.b={root / 'b'}, "
        f"{len(HELD_OUT)} more held out"
    )


def test_what_is_held_out_does_not_depend_on_where_the_data_lie(root: Path, tmp_path: Path) -> None:
    expected = numbers(pairs(root), "test")
    root.rename(tmp_path / "elsewhere")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in (tmp_path / "elsewhere").rglob("*.*"):
            archive.write(path, Path("around") / path.relative_to(tmp_path / "elsewhere"))
    assert numbers(pairs(tmp_path / "elsewhere"), "test") == expected
    assert numbers(pairs(tmp_path, root=str(tmp_path / "elsewhere")), "test") == expected
    assert numbers(pairs(tmp_path, root=str(tmp_path / "all.zip")), "test") == expected


def test_pairs_glued_side_by_side(tmp_path: Path) -> None:
    for i in range(6):
        pixels = np.zeros((10, 24, 3), np.uint8)
        pixels[..., 0] = i
        pixels[:, :12, 1], pixels[:, 12:, 1] = 7, 9
        (tmp_path / "glued").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "glued" / f"{i}.png")
    assert sorted(numbers(pairs(tmp_path, glued=str(tmp_path / "glued"), test_share=0), "train")) == list(range(6))


def test_glued_or_apart_is_the_same(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (14, 40, 3), dtype=np.uint8)
    for name, part in (("glued/x", noise), ("a/x", noise[:, :20]), ("b/x", noise[:, 20:])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.ascontiguousarray(part)).save(tmp_path / f"{name}.png")
    apart, glued = pairs(tmp_path, test_share=0), pairs(tmp_path, glued=str(tmp_path / "glued"), test_share=0)
    for ours, theirs in ((apart.train_set.a, glued.train_set.a), (apart.train_set.b, glued.train_set.b)):
        assert torch.equal(ours.images, theirs.images)


def test_swapped_pairs_are_learned_the_other_way_round(root: Path) -> None:
    (root / "a" / "00.png").unlink()
    picture(root / "a" / "00.png", (0, 7, 0), "RGBA")
    plain, swapped = pairs(root), pairs(root, swap=True)
    assert torch.equal(plain.train_set.a.images, swapped.train_set.b.images)
    assert torch.equal(plain.train_set.b.images, swapped.train_set.a.images)


def test_a_grey_side_has_one_channel(tmp_path: Path) -> None:
    for i in range(10):
        picture(tmp_path / "a" / f"{i}.png", 20 * i, "L")
        picture(tmp_path / "b" / f"{i}.png", (20 * i, 0, 0))
    data = pairs(tmp_path)
    assert (data.channels_a, data.channels_b) == (1, 3)
    assert torch.equal(data.train_set.a.images[:, 0], data.train_set.b.images[:, 0])
    other = pairs(tmp_path, channels_a=3, channels_b=1)
    assert (other.channels_a, other.channels_b) == (3, 1)
    assert torch.equal(other.train_set.a.images, data.train_set.a.images.repeat(1, 3, 1, 1))
    assert torch.equal(other.train_set.b.images, with_channels(data.train_set.b.images, 1))
    unpaired = domains(tmp_path)
    assert (unpaired.channels_a, unpaired.channels_b) == (1, 3)


def smooth(path: Path, width: int, height: int, offset: int = 0) -> None:
    """Red is the column and green the row, in steps that a resize to half the size keeps."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width) * 2 + offset
    pixels[..., 1] = np.arange(height)[:, None] * 2 + offset
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_a_rectangle_is_the_middle_with_its_proportions(tmp_path: Path) -> None:
    for side in "ab":
        smooth(tmp_path / side / "x.png", 100, 60)
    for resolution, columns, rows in (([30, 50], 50, 30), ([20, 50], 50, 20), ([60, 40], 40, 60)):
        data = pairs(tmp_path, resolution=resolution, test_share=0)
        assert (data.resolution, data.train_set.a.size) == (tuple(resolution),) * 2
        image = data.train_set.a.images[0].float()
        scale = min(100 / columns, 60 / rows)
        for values, count, own in ((image[0, rows // 2], columns, 100), (image[1, :, columns // 2], rows, 60)):
            centres = (own - count * scale) / 2 + (torch.arange(count) + 0.5) * scale - 0.5
            assert (values - 2 * centres)[2:-2].abs().max() < 1.5


def test_training_crops_out_of_enlarged_pictures_and_testing_does_not(tmp_path: Path) -> None:
    for i in range(20):
        smooth(tmp_path / "a" / f"{i}.png", 20, 20)
        smooth(tmp_path / "b" / f"{i}.png", 20, 20)
    data = pairs(tmp_path, resolution=16, enlarge=20, flip=True)
    assert data.train_set.a.size == (20, 20)
    assert data.split("train").a.size == data.split("test").a.size == data.resolution == (16, 16)
    assert data.image_shape == (3, 16, 16)
    corners = set()
    for batch in islice(loader_of(data), 20):
        assert batch.a.shape == (4, 3, 16, 16)
        assert torch.equal(batch.a, batch.b)
        corners |= {(int(x[0].min()) // 2, int(x[1].min()) // 2) for x in batch.a}
    assert {column for column, _ in corners} == {row for _, row in corners} == set(range(5))


def test_two_processes_and_a_resumed_run_see_the_same_pairs(root: Path) -> None:
    data = pairs(root, resolution=6, enlarge=SIDE, flip=True, n_critic=2)
    whole = loader_of(data).batch(7)
    halves = [loader_of(data, rank=rank, world_size=2).batch(7) for rank in range(2)]
    resumed = next(iter(loader_of(data, iteration=7)))
    for i, expected in enumerate(whole):
        shares = [half[i].view(2, 2, *expected.shape[1:]) for half in halves]
        assert torch.equal(torch.cat(shares, 1).flatten(0, 1), expected)
        assert torch.equal(resumed[i], expected)


def test_batches_become_floats_on_the_device(root: Path) -> None:
    data = pairs(root)
    batch = loader_of(data).batch(0)
    floats = data.on_after_batch_transfer(batch, 0)
    assert torch.equal(((floats.a + 1) * 127.5).round().to(torch.uint8), batch.a)
    assert floats.b.dtype == torch.float32
    assert floats.labels_a.tolist() == [-1] * 4


def test_domains_are_of_unequal_numbers_and_sizes(root: Path) -> None:
    for i in range(70):
        picture(root / "b" / f"more-{i}.png", (100 + i, 9, 0), size=(9 + i, 30))
    data = domains(root)
    assert len(data.train_set.a) < len(data.train_set.b) == data.num_images
    whole = set(range(40)) | {100 + i for i in range(70)}
    b = data.split("train").b.images[:, 0, 0, 0].tolist() + data.split("test").b.images[:, 0, 0, 0].tolist()
    assert sorted(b) == sorted(whole)
    assert "without partners" in data.description()
    shown = torch.cat([batch.b[:, 0, 0, 0] for batch in islice(loader_of(data), len(data.train_set.b))])
    assert set(shown.tolist()) == set(data.train_set.b.images[:, 0, 0, 0].tolist())


def one_line(function: Any) -> str:
    with pytest.raises(UserError) as caught:
        function()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_partner_is_named(root: Path) -> None:
    (root / "a" / "02.png").unlink()
    (root / "b" / "street" / "05.bmp").unlink()
    (root / "b" / "street" / "07.bmp").unlink()
    message = one_line(lambda: pairs(root))
    a, b = f"data.a={root / 'a'}", f"data.b={root / 'b'}"
    assert f"2 picture(s) of {a} have no partner in {b} (street/05.png, street/07.png)" in message
    assert f"1 picture(s) of {b} have no partner in {a} (02.bmp)" in message
    assert "data=domains" in message


def test_of_many_missing_partners_the_first_are_named(root: Path) -> None:
    for i in range(25):
        picture(root / "a" / f"alone-{i:02d}.png", (0, 0, 0))
    message = one_line(lambda: pairs(root, root=str(root)))
    assert f"25 picture(s) of a/ in data.root={root} have no partner" in message
    assert "alone-19.png and 5 more)" in message
    assert "alone-20" not in message


def test_two_files_of_one_name_are_named(root: Path) -> None:
    picture(root / "b" / "04.png", (0, 0, 0))
    assert f"1 name(s) stand for several pictures of data.b={root / 'b'} (04: 04.bmp and 04.png)" in one_line(
        lambda: pairs(root)
    )


def test_two_ways_to_write_a_name_are_one(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "caf\u00e9.png", (1, 7, 0))
    picture(tmp_path / "b" / "cafe\u0301.png", (1, 9, 0))
    assert numbers(pairs(tmp_path, test_share=0), "train") == [1]


def test_unequal_sizes_and_damage_stand_in_one_line(root: Path) -> None:
    picture(root / "b" / "00.bmp", (0, 9, 0), size=(12, 11))
    (root / "a" / "02.png").write_bytes(b"no picture")
    message = one_line(lambda: pairs(root))
    assert "2 pair(s) of" in message
    assert "00 (a is 12 x 10 pixels and b 12 x 11), 02 (it is none of JPEG" in message
    assert "skip_damaged=true" in message
    data = pairs(root, skip_damaged=True)
    assert sorted(numbers(data, "train") + numbers(data, "test")) == [i for i in range(40) if i not in (0, 2)]
    assert data.description().endswith("2 left out that can't be used")


def test_sizes_are_compared_as_they_are_seen(tmp_path: Path) -> None:
    """A photo on its side, whose EXIF block turns it upright, is as large as the upright one."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 10, 3), dtype=np.uint8)
    upright = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    for side in "ab":
        (tmp_path / side).mkdir()
    upright.save(tmp_path / "a" / "x.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b" / "x.png", exif=exif)
    data = pairs(tmp_path, test_share=0, resolution=[20, 10])
    assert torch.equal(data.train_set.a.images, data.train_set.b.images)
    assert np.array_equal(data.train_set.a.images[0].permute(1, 2, 0).numpy(), pixels)


def test_damaged_pictures_of_a_domain_are_named(root: Path) -> None:
    (root / "a" / "02.png").write_bytes(b"")
    content = (root / "b" / "04.bmp").read_bytes()
    (root / "b" / "04.bmp").write_bytes(content[: len(content) // 2])
    message = one_line(lambda: domains(root))
    assert "2 picture(s) of data.a=" in message
    assert "a/02.png (it is none of JPEG" in message
    assert "b/04.bmp (" in message
    data = domains(root, skip_damaged=True)
    assert data.description().endswith("2 left out that can't be read")


def test_a_glued_picture_of_odd_width(tmp_path: Path) -> None:
    picture(tmp_path / "glued" / "x.png", (0, 0, 0), size=(13, 6))
    message = one_line(lambda: pairs(tmp_path, glued=str(tmp_path / "glued"), test_share=0))
    assert "x.png (it is 13 pixels wide, which makes no two halves)" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"a": None, "b": None}, "data.a=... and data.b=... for two folders, or data.root=..."),
        ({"b": None}, "needs to know where"),
        ({"a": "x", "root": "y"}, "only one of the three"),
        ({"test_share": 1.0}, "data.test_share=1.0 must be"),
        ({"a": "missing"}, "data.a=.*missing: there is no such folder or zip"),
        ({"b": "empty"}, "data.b=.*empty has no pictures, but .txt 1"),
        ({"resolution": [8, 0]}, "must be a whole number of pixels"),
        ({"enlarge": 4}, r"data.enlarge=\[4, 4\] is less than data.resolution=\[8, 8\]"),
        ({"channels_a": 2}, "data.channels_a must be null, 1 or 3, not 2"),
        ({"num_classes": 3}, "the data have 0 classes"),
    ],
)
def test_options_that_make_no_sense(
    options: dict[str, Any], message: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    (root.parent / "empty").mkdir()
    (root.parent / "empty" / "notes.txt").write_text("")
    both = {"a": str(root / "a"), "b": str(root / "b"), "resolution": SIDE, "batch_size": 4}
    with pytest.raises(UserError, match=message):
        ready(Pairs(**{**both, **options}))


def test_a_folder_without_a_or_b(root: Path) -> None:
    picture(root / "c" / "x.png", (0, 0, 0))
    assert "1 picture(s) in data.root=" in (message := one_line(lambda: pairs(root, root=str(root))))
    assert "neither in a/ nor in b/: c/x.png" in message
    message = one_line(lambda: pairs(root, root=str(root / "a")))
    assert "has none in a/ and b/" in message
    assert "data.glued=..." in message


def test_a_domain_needs_both_folders(root: Path) -> None:
    with pytest.raises(UserError, match=r"data.a=... and data.b=... must say"):
        Domains(a=str(root / "a"), batch_size=4)


def test_nothing_held_out_is_no_test_split(root: Path) -> None:
    for data in (pairs(root, test_share=0), domains(root, test_share=0)):
        assert len(data.split("train").a) == 40
        with pytest.raises(NoSuchSplit, match=r"data.test_share=0 holds out 0 of 40"):
            data.split("test")


def test_more_than_fits_stays_on_disk(root: Path) -> None:
    for make in (pairs, domains):
        small, mapped = make(root), make(root, in_memory_gb=0.0)
        assert torch.equal(small.train_set.a.images, mapped.train_set.a.images)
        assert torch.equal(loader_of(small).batch(3).b, loader_of(mapped).batch(3).b)


def test_pictures_are_decoded_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs(root)
    assert "reading" in capsys.readouterr().out
    pairs(root)
    assert capsys.readouterr().out == ""
    picture(root / "a" / "00.png", (99, 7, 0), size=(12, 10))
    picture(root / "b" / "00.bmp", (99, 9, 0), size=(12, 10))
    data = pairs(root)
    assert "reading" in capsys.readouterr().out
    assert 99 in numbers(data, "train") + numbers(data, "test")


def test_what_was_filled_in_builds_the_same_data(root: Path) -> None:
    """A configuration in which a run has written the facts gives the same images again."""
    data = pairs(root, enlarge=10)
    facts = {fact: getattr(data, fact) for fact in data.FACTS}
    facts["resolution"] = list(facts["resolution"])
    again = pairs(root, enlarge=10, **facts)
    assert torch.equal(loader_of(data).batch(2).a, loader_of(again).batch(2).a)


def test_a_zip_that_is_none_is_called_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match=r"data.a=.* is no folder and can't be read as a zip"):
        pairs(tmp_path)
