"""Pictures of any size and kind through generators from images to images: names, sizes and pixels."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import door
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from verbs import done, refused

import gan_lightning
from gan_lightning.generate.command import main
from gan_lightning.generate.translating import channels_taken, padded
from gan_lightning.images import to_bytes, to_unit

OPTIONS = "data.batch_size=4 trainer.accelerator=cpu logger=[] threads=1 callbacks.samples.count=4 trainer.max_steps=1"


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey -> colour, and a U-Net that halves twice."""
    folder = tmp_path_factory.mktemp("pix2pix") / "run"
    answer = door.call(f"model=pix2pix data=colours model.generator.width=4 {OPTIONS}", folder)
    assert answer.status == 0, answer.err
    return folder


@pytest.fixture(scope="module")
def cyclegan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cyclegan") / "run"
    answer = door.call(f"model=cyclegan data=styles model.a2b.width=4 model.a2b.blocks=1 {OPTIONS}", folder)
    assert answer.status == 0, answer.err
    return folder


def picture(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 2**16, size[::-1], dtype=np.uint16))
    return Image.fromarray(random.integers(0, 256, (*size[::-1], 4), dtype=np.uint8)).convert(mode)


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[int, int]]]:
    """Twenty pictures of different sizes, modes and formats, and the sizes at which they are seen."""
    folder = tmp_path_factory.mktemp("pictures") / "photos"
    (folder / "below" / "deep").mkdir(parents=True)
    modes = {"png": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"), "jpg": ("RGB", "L", "CMYK"), "webp": ("RGB", "RGBA")}
    modes |= {"bmp": ("RGB", "L"), "tiff": ("RGB", "CMYK"), "gif": ("P",), "ppm": ("RGB",)}
    sizes: dict[str, tuple[int, int]] = {}
    for suffix, kinds in modes.items():
        for mode in kinds:
            i = len(sizes)
            size = (5 + 7 * i % 60, 3 + 11 * i % 50)
            name = f"{['', 'below/', 'below/deep/'][i % 3]}{i} {mode.replace(';', '')}.{suffix}"
            picture(mode, size, i).save(folder / name)
            sizes[name] = size
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    picture("RGB", (40, 22), 99).save(folder / "turned.JPG", exif=exif)
    sizes["turned.JPG"] = (22, 40)
    picture("RGB", (1, 1), 98).save(folder / "dot.png")
    sizes["dot.png"] = (1, 1)
    assert len(sizes) == 20
    return folder, sizes


def found_in(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"]
    return {path.relative_to(folder).as_posix(): Image.open(path).size for path in files}


def test_a_folder_comes_out_with_the_same_names_and_sizes(pix2pix: Path, twenty: Any, tmp_path: Path) -> None:
    folder, sizes = twenty
    out = done(main, f"{pix2pix} from={folder} to={tmp_path / 'out'} threads=2")
    assert "20 picture(s)" in out
    assert found_in(tmp_path / "out") == sizes
    sheet = Image.open(tmp_path / "out-grid.png")
    assert sheet.size == (2 * 258 + 2, 16 * 258 + 2)
    record = json.loads((tmp_path / "out" / "generated.json").read_text())
    assert (record["pictures"], record["left_out"], record["from"]) == (20, {}, "photos")
    assert record["generator"]["_target_"].endswith("UNet")


def test_the_pixels_are_the_generators(pix2pix: Path, tmp_path: Path) -> None:
    """A picture whose sides divide, and one that is padded by reflection and cut back."""
    generator = gan_lightning.load(pix2pix)
    for size in ((12, 8), (13, 10)):
        image = picture("L", size, 3)
        image.save(tmp_path / f"{size[0]}.png")
        done(main, f"{pix2pix} from={tmp_path / f'{size[0]}.png'} to={tmp_path / f'out{size[0]}'} grid=false")
        pixels = np.asarray(image)
        spare = ((0, -size[1] % 4), (0, -size[0] % 4))
        given = to_unit(torch.from_numpy(np.pad(pixels, spare, mode="reflect"))[None, None])
        expected = to_bytes(generator(given))[0, :, : size[1], : size[0]].permute(1, 2, 0).numpy()
        found = np.asarray(Image.open(tmp_path / f"out{size[0]}" / f"{size[0]}.png"))
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
        assert not (tmp_path / f"out{size[0]}-grid.png").exists()


def test_either_direction(cyclegan: Path, tmp_path: Path) -> None:
    picture("L", (16, 16), 1).save(tmp_path / "a.png")
    done(main, f"{cyclegan} from={tmp_path / 'a.png'} to={tmp_path / 'there'}")
    done(main, f"{cyclegan} from={tmp_path / 'a.png'} to={tmp_path / 'named'} direction=a2b")
    done(main, f"{cyclegan} from={tmp_path / 'a.png'} to={tmp_path / 'back'} direction=b2a")
    there, named, back = ((tmp_path / name / "a.png").read_bytes() for name in ("there", "named", "back"))
    assert there == named
    assert there != back
    assert "there are a2b, b2a" in refused(main, f"{cyclegan} from={tmp_path / 'a.png'} direction=a2c")
    for name in ("a2b", "b2a"):
        assert gan_lightning.load(cyclegan, name=name)(torch.zeros(1, 1, 12, 20)).shape == (1, 1, 12, 20)


def test_a_zip_with_a_damaged_picture(cyclegan: Path, tmp_path: Path) -> None:
    picture("RGB", (9, 9), 1).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "in/a.png")
        archive.write(tmp_path / "a.png", "../out.png")  # would leave the folder, and is no file for any reader here
        archive.writestr("in/b.png", b"no picture")
        archive.writestr("notes.txt", "none either")
    out = done(main, f"{cyclegan} from={tmp_path / 'b.zip'} to={tmp_path / 'out'}")
    assert "1 left out that can't be read" in out
    assert found_in(tmp_path / "out") == {"in/a.png": (9, 9)}
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("before", ["{folder}/", "C:{folder}/", "..\\\\", "in/../../"])
def test_no_name_in_a_zip_leads_out_of_the_folder(before: str, cyclegan: Path, tmp_path: Path) -> None:
    """A zip may hold any text as a name: an absolute path once led to a file outside of what was asked for."""
    picture("RGB", (9, 9), 1).save(tmp_path / "a.png")
    outside = tmp_path / "outside"
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "in/a.png")
        archive.writestr(f"{before.format(folder=outside)}b.png", (tmp_path / "a.png").read_bytes())
    there = {path for path in tmp_path.rglob("*") if path != tmp_path / "out"}
    done(main, f"{cyclegan} from={tmp_path / 'b.zip'} to={tmp_path / 'out'} grid=false")
    new = {path for path in tmp_path.rglob("*") if path not in there}
    assert tmp_path / "out" / "in" / "a.png" in new
    assert all(path.is_relative_to(tmp_path / "out") for path in new)
    assert not outside.exists()


def test_what_does_not_go_together_is_said(pix2pix: Path, tmp_path: Path) -> None:
    assert "seeds= does not go with from=." in refused(main, f"{pix2pix} from={tmp_path} seeds=3")
    assert "background= goes with from= only." in refused(main, f"{pix2pix} background=black")
    assert "has no pictures, but nothing at all" in refused(main, f"{pix2pix} from={tmp_path}")
    assert "no such folder or zip" in refused(main, f"{pix2pix} from={tmp_path / 'nowhere'}")
    assert "give it pictures" in refused(main, f"{pix2pix}")
    door.train("trainer.max_steps=1", tmp_path / "gan")
    picture("RGB", (9, 9), 1).save(tmp_path / "a.png")
    assert "draws from latents" in refused(main, f"{tmp_path / 'gan'} from={tmp_path / 'a.png'}")


class Known(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (4, 4)), nn.Conv2d(5, 2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def test_a_network_of_ones_own_need_not_say_what_it_takes() -> None:
    assert channels_taken(Known()) == 5


def test_padding_reflects_as_often_as_it_has_to() -> None:
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    found = padded(image, 8)
    assert found.shape == (1, 1, 8, 8)
    assert found[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert found[0, 0, :, 0].tolist() == [0, 3, 0, 3, 0, 3, 0, 3]
    assert torch.equal(padded(torch.ones(1, 1, 1, 9), 4)[0, 0], torch.ones(8, 12))
