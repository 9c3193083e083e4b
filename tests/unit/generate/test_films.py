"""Strips, GIF and MP4: every frame is there and shows what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from gan_lightning.generate.films import FILMS, enlarged, frames_of


def tiles(rows: int, frames: int, channels: int, side: int = 6) -> Tensor:
    """Every frame of one grey value of its own."""
    values = (torch.arange(rows * frames) * 255 // (rows * frames)).to(torch.uint8)
    return values.view(rows, frames, 1, 1, 1).expand(-1, -1, channels, side, side).contiguous()


def test_pixels_become_squares() -> None:
    image = torch.arange(4, dtype=torch.uint8).view(1, 2, 2)
    assert enlarged(image, 2).tolist() == [[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]]
    assert enlarged(image, 1).tolist() == image.tolist()


def test_a_strip_has_a_row_for_each_way(tmp_path: Path) -> None:
    ending, write = FILMS["strip"]
    film = tiles(2, 5, 3)
    write(tmp_path / f"way.{ending}", film, 12)
    strip = np.asarray(Image.open(tmp_path / "way.png"))
    assert strip.shape == (2 * 8 + 2, 5 * 8 + 2, 3)
    assert np.array_equal(strip[4::8, 4::8][:2, :5], film[:, :, :, 0, 0].numpy())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gif_has_every_frame(channels: int, tmp_path: Path) -> None:
    ending, write = FILMS["gif"]
    film = tiles(1, 9, channels)
    write(tmp_path / f"way.{ending}", film, 20)
    with Image.open(tmp_path / "way.gif") as picture:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(picture)]
        assert picture.info["duration"] == 50
        assert picture.info["loop"] == 0
    assert len(frames) == 9
    assert [int(frame[0, 0]) for frame in frames] == film[0, :, 0, 0, 0].tolist()


def test_rows_stand_one_below_the_other_in_a_frame() -> None:
    frames = frames_of(tiles(3, 4, 3))
    assert len(frames) == 4
    assert frames[0].shape == (3 * 8 + 2, 8 + 2, 3)
    assert frames_of(tiles(1, 4, 1))[0].shape == (6, 6)


@pytest.mark.parametrize(("channels", "side"), [(1, 7), (3, 16)])
def test_an_mp4_has_every_frame(channels: int, side: int, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    film = tiles(1, 10, channels, side)
    FILMS["mp4"][1](tmp_path / "way.mp4", film, 12)
    with av.open(str(tmp_path / "way.mp4")) as video:
        assert video.streams.video[0].average_rate == 12
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert [frame.shape for frame in frames] == [(side + side % 2, side + side % 2, 3)] * 10
    shown = [int(frame[2, 2, 0]) for frame in frames]
    assert shown == pytest.approx(film[0, :, 0, 0, 0].tolist(), abs=6)


def test_without_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gan_lightning.errors import UserError

    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(UserError, match=r"pip install 'gan-lightning\[video\]'"):
        FILMS["mp4"][1](tmp_path / "way.mp4", tiles(1, 2, 1), 12)
    assert not list(tmp_path.iterdir())
