"""How one picture of any size and kind becomes a small one of a given size in RGB bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from io import BytesIO
from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from gan_lightning.images import Resolution, height_and_width

FORMAT = 1  # version of what is made of a file here: raise it when that changes

Picture: TypeAlias = UInt8[np.ndarray, "3 H W"]
"""A decoded picture: red, green and blue bytes [3 H W]."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""The formats that are read, by Pillow's names.

Others are refused whatever a file is called, because reading an EPS would start another program.
"""
SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

GAP = 3.0
"""Size at which Lanczos' filter takes over, as a multiple of the final size; before, blocks of pixels are averaged.

This is faster, and the difference cannot be seen.
"""
ORIENTATION = 0x0112
UPRIGHT: Mapping[int, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""The operation that undoes each EXIF orientation (Exif 2.3, tag 274); 1 is upright and needs none."""
ON_ITS_SIDE = (5, 6, 7, 8)
"""The orientations that exchange height and width."""


def decode(content: bytes, resolution: Resolution, background: str) -> Picture:
    """The middle of a picture, turned as EXIF says and resized by Lanczos' filter with antialiasing.

    The middle is the largest part that has the proportions of the resolution: for a square one the largest square.

    Of an animation, or of several pages, the first picture is taken. A grey picture gives three equal channels, 16 bits
    become 8, and transparent pixels show the background. Colour profiles are not applied.

    Args:
        content: The content of the file.
        resolution: Pixels a side of what is given, or its height and width.
        background: Name of the colour behind transparent pixels.

    Raises:
        Exception: If the file holds no whole picture; the exceptions are of many kinds, which :func:`reason` puts into
            words.
    """
    size = height_and_width(resolution)
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        shrink = GAP * max(size) / min(image.size)
        drafted = image.draft(None, (math.ceil(image.width * shrink), math.ceil(image.height * shrink)))  # JPEG only
        # a draft's size may be fractional, and its last pixels are then cut off
        extent = drafted[1][2:] if drafted else image.size
        flat = _opaque(image, background)
        turn = _orientation(image)  # read after the pixels, behind which a PNG may have it
    return as_array(_upright(middle(flat, extent, size[::-1] if turn in ON_ITS_SIDE else size), turn))


def decode_whole(content: bytes, background: str) -> Picture:
    """A whole picture at its own size; all else is as in :func:`decode`.

    Args:
        content: The content of the file.
        background: Name of the colour behind transparent pixels.

    Raises:
        Exception: If the file holds no whole picture; see :func:`decode`.
    """
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        flat = _opaque(image, background)
        turn = _orientation(image)  # read after the pixels, behind which a PNG may have it
    return as_array(_upright(flat, turn))


def decode_pair(a: bytes, b: bytes, resolution: Resolution, background: str) -> Picture:
    """Two pictures of the same size beside each other [3 H 2W], each decoded as by :func:`decode`.

    Raises:
        Exception: If one holds no whole picture, or the two differ in height or width; see :func:`decode`.
    """
    (width_a, height_a), (width_b, height_b) = (_upright_size(content) for content in (a, b))
    if (width_a, height_a) != (width_b, height_b):
        raise ValueError(f"a is {width_a} x {height_a} pixels and b {width_b} x {height_b}")
    return np.concatenate([decode(content, resolution, background) for content in (a, b)], axis=2)


def decode_glued(content: bytes, resolution: Resolution, background: str) -> Picture:
    """The left and the right half of a picture, each a picture of its own, beside each other [3 H 2W].

    Raises:
        Exception: If the file holds no whole picture, or the width is odd; see :func:`decode`.
    """
    size = height_and_width(resolution)
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        whole = _upright(_opaque(image, background), _orientation(image))
    if whole.width % 2:
        raise ValueError(f"it is {whole.width} pixels wide, which makes no two halves")
    half = whole.width // 2
    halves = (whole.crop((left, 0, left + half, whole.height)) for left in (0, half))
    return np.concatenate([as_array(middle(each, each.size, size)) for each in halves], axis=2)


def middle(image: Image.Image, extent: tuple[float, float], size: tuple[int, int]) -> Image.Image:
    """The largest part in the middle with the proportions of ``size``, resized to it.

    Args:
        image: A picture in mode L or RGB.
        extent: Width and height of the picture, whose last pixel may count in part.
        size: Height and width to make.
    """
    width, height = extent
    tall, wide = size
    if width * tall <= height * wide:
        inner = (width, min(width * (tall / wide), height))
    else:
        inner = (min(height * (wide / tall), width), height)
    left, top = (width - inner[0]) / 2, (height - inner[1]) / 2
    box = (left, top, left + inner[0], top + inner[1])
    return image.resize((wide, tall), Resampling.LANCZOS, box, reducing_gap=GAP)


def as_array(image: Image.Image) -> Picture:
    """The red, green and blue bytes of a picture."""
    return np.array(np.asarray(image.convert("RGB")).transpose(2, 0, 1), order="C")  # a copy, which can be written to


def is_grey(picture: Picture) -> bool:
    """Whether the three channels of a picture are equal."""
    red, green, blue = picture
    return np.array_equal(red, green) and np.array_equal(green, blue)


def reason(error: Exception) -> str:
    """A few words on why a file gave no picture, from the exception that :func:`decode` raised."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(UPRIGHT[turn]) if turn in UPRIGHT else image


def _upright_size(content: bytes) -> tuple[int, int]:
    """Width and height as they are seen, read from the head of the file."""
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        return image.size[::-1] if _orientation(image) in ON_ITS_SIDE else image.size


def _orientation(image: Image.Image) -> int:
    """The orientation in the EXIF block, or 1 (upright) if the block makes no sense, which is common."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # errors are of many kinds, and the pixels may still be fine
        return 1


def _opaque(image: Image.Image, background: str) -> Image.Image:
    """The picture without transparency, in Pillow's mode L (grey) or RGB."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 255 * 257
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are 32-bit numbers, of which nobody says what is white")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, background), picture).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
