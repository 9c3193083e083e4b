"""Writes interpolations to files: a strip of frames side by side, a GIF or an MP4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.images import grid, save_png
from gan_lightning.runs.whole_files import replacing

Tiles = UInt8[Tensor, "rows frames C H W"]


def enlarged(images: UInt8[Tensor, "*any H W"], zoom: int) -> UInt8[Tensor, "*any H2 W2"]:
    """The images with each pixel as a square of ``zoom`` x ``zoom`` pixels, so that small ones can be seen."""
    return images.repeat_interleave(zoom, -1).repeat_interleave(zoom, -2)


def write_strip(path: Path, tiles: Tiles, fps: int) -> None:
    """Write one PNG that has a row for each interpolation, with its frames from left to right."""
    save_png(grid(tiles.flatten(0, 1), columns=tiles.shape[1]), path)


def write_gif(path: Path, tiles: Tiles, fps: int) -> None:
    """Write a GIF that repeats for ever; a frame has at most 256 colours, so that grey is exact and colour is not."""
    first, *others = [Image.fromarray(frame) for frame in frames_of(tiles)]
    with replacing(path) as temporary:
        first.save(temporary, format="GIF", save_all=True, append_images=others, duration=1000 / fps, loop=0)


def write_mp4(path: Path, tiles: Tiles, fps: int) -> None:
    """Write an MP4 (H.264).

    Its sides have an even number of pixels, because H.264 stores colours at half the resolution.

    Raises:
        UserError: If the encoder is not installed.
    """
    require_av()
    import av

    frames = [_even_colour(frame) for frame in frames_of(tiles)]
    with replacing(path) as temporary, av.open(str(temporary), "w", format="mp4") as film:
        try:
            stream = film.add_stream("h264", rate=Fraction(fps), options={"crf": "17"})  # almost no visible loss
        except ValueError as error:
            raise UserError("format=mp4: this PyAV has no H.264 encoder; take format=gif.") from error
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())


def require_av() -> None:
    """Check that the encoder is installed.

    Raises:
        UserError: If it is not.
    """
    try:
        import av  # noqa: F401  # only a check, which is made before anything is drawn
    except ImportError as error:
        raise UserError("format=mp4 needs PyAV: pip install 'gan-lightning[video]', or take format=gif.") from error


def _even_colour(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame [H W] or [H W 3] in colour, [H W 3], with a black row or column added if a side has an odd length."""
    colour = frame if frame.ndim == 3 else np.repeat(frame[:, :, None], 3, 2)
    height, width = colour.shape[:2]
    return np.pad(colour, [(0, height % 2), (0, width % 2), (0, 0)])


def frames_of(tiles: Tiles) -> list[NDArray[np.uint8]]:
    """The frames of a film as Pillow takes them, [H W] or [H W 3], with the rows one below the other."""
    sheets = [grid(rows, columns=1) if len(rows) > 1 else rows[0] for rows in tiles.transpose(0, 1)]
    return [sheet.permute(1, 2, 0).squeeze(-1).contiguous().numpy() for sheet in sheets]


FILMS: Mapping[str, tuple[str, Callable[[Path, Tiles, int], None]]] = {
    "strip": ("png", write_strip),
    "gif": ("gif", write_gif),
    "mp4": ("mp4", write_mp4),
}
"""The ending of the file and the function that writes it, by the format's name.

The function is called with the file, the tiles and the frames per second.
"""
REQUIRED: Mapping[str, Callable[[], None]] = {"mp4": require_av}
"""Functions that raise a UserError if a format's package is missing, by the name of the format."""
