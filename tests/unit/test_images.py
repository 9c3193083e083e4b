"""Images as bytes, as floats in [-1, 1], in grids and in PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.images import grid, save_png, to_bytes, to_unit

EVERY_BYTE = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)


def test_to_unit_spans_minus_one_to_one_evenly() -> None:
    unit = to_unit(EVERY_BYTE)
    torch.testing.assert_close(unit.flatten(), torch.linspace(-1, 1, 256), atol=1e-6, rtol=0)
    assert (unit.min(), unit.max()) == (-1, 1)


def test_bytes_survive_the_round_trip() -> None:
    assert torch.equal(to_bytes(to_unit(EVERY_BYTE)), EVERY_BYTE)


def test_to_unit_leaves_the_bytes_alone() -> None:
    images = EVERY_BYTE.clone()
    to_unit(images)
    assert torch.equal(images, EVERY_BYTE)


def test_to_bytes_rounds_and_clamps() -> None:
    images = torch.tensor([-7.0, -1.0, 0.9 / 127.5 - 1, 0.0, 1.0, 1.01]).view(1, 1, 1, 6)
    kept = images.clone()
    assert to_bytes(images).flatten().tolist() == [0, 0, 1, 128, 255, 255]
    assert torch.equal(images, kept)


def test_to_bytes_does_not_round_twice_in_half_precision() -> None:
    """bfloat16 has 8 bits, so scaling in it would move the pixel `127.5 · 0.7109375 + 127.5 = 218.1` to 218 or 219."""
    assert to_bytes(torch.full((1, 1, 1, 1), 0.7109375, dtype=torch.bfloat16)).item() == 218


def test_grid_places_images_row_by_row() -> None:
    images = torch.stack([torch.full((3, 2, 4), i + 1, dtype=torch.uint8) for i in range(5)])
    sheet = grid(images, columns=3, padding=1)
    assert sheet.shape == (3, 2 * 3 + 1, 3 * 5 + 1)
    assert sheet[0, 1, 1::5].tolist() == [1, 2, 3]
    assert sheet[0, 4, 1::5].tolist() == [4, 5, 0]
    assert sheet[0, 0].sum() == 0
    assert sheet.sum() == (1 + 2 + 3 + 4 + 5) * 3 * 2 * 4


def test_grid_is_no_wider_than_its_images() -> None:
    assert grid(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), columns=8, padding=2).shape == (1, 8, 14)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_save_png_keeps_every_pixel(channels: int, mode: str, tmp_path: Path) -> None:
    image = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
    path = tmp_path / "samples" / "one.png"
    save_png(image, path)
    picture = Image.open(path)
    assert picture.mode == mode
    pixels = torch.from_numpy(np.array(picture)).view(5, 7, channels).permute(2, 0, 1)
    assert torch.equal(pixels, image)


def test_save_png_replaces_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    for value in (0, 9):
        save_png(torch.full((1, 2, 2), value, dtype=torch.uint8), path)
    assert np.array(Image.open(path)).tolist() == [[9, 9], [9, 9]]
    assert list(tmp_path.iterdir()) == [path]


def test_save_png_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.png"
    image = torch.zeros(1, 2, 2, dtype=torch.uint8)
    save_png(image, path)
    before = path.read_bytes()

    def torn(self: Image.Image, file: Path, **_: object) -> None:
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", torn)
    with pytest.raises(OSError, match="disk full"):
        save_png(image, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_save_png_refuses_two_channels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        save_png(torch.zeros(2, 4, 4, dtype=torch.uint8), tmp_path / "one.png")
