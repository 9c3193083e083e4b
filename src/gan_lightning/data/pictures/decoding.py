"""One picture of any size and mode -> a small square one, as RGB bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from io import BytesIO
from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

Square: TypeAlias = UInt8[np.ndarray, "3 H H"]
"""A decoded picture, red, green and blue."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Pillow's names. No others are tried, whatever a file is called: reading EPS would start another program."""
SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

GAP = 3.0
"""How many times the final size is left to the filter, after whole pixels were averaged: none sees a difference."""
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
"""What undoes each EXIF orientation (Exif 2.3, tag 274); 1 is upright."""


def decode(content: bytes, resolution: int, background: str) -> Square:
    """The square in the middle of a picture, turned as EXIF says and resized by Lanczos' filter with antialiasing.

    Of an animation or several pages it is the first. Grey gives three equal channels, 16 bits become 8, transparent
    pixels show ``background``. Colour profiles are not applied.

    Args:
        content: of a file.
        resolution: pixels a side of what is given.
        background: a colour's name.

    Raises:
        Exception: of many kinds, if that is no whole picture; :func:`reason` puts it into words.
    """
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        shrink = GAP * resolution / min(image.size)
        drafted = image.draft(None, (math.ceil(image.width * shrink), math.ceil(image.height * shrink)))  # JPEG only
        width, height = drafted[1][2:] if drafted else image.size  # of a draft in fractions: its last pixels are cut
        flat = _opaque(image, background)
        turn = _orientation(image)  # after the pixels, behind which PNG may have it
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    square = flat.resize((resolution, resolution), Resampling.LANCZOS, box, reducing_gap=GAP)
    if turn in UPRIGHT:
        square = square.transpose(UPRIGHT[turn])
    return np.ascontiguousarray(np.asarray(square.convert("RGB")).transpose(2, 0, 1))


def is_grey(square: Square) -> bool:
    """Whether the three channels are equal."""
    red, green, blue = square
    return np.array_equal(red, green) and np.array_equal(green, blue)


def reason(error: Exception) -> str:
    """Why a file gave no picture, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _orientation(image: Image.Image) -> int:
    """The orientation in the EXIF block; upright where the block makes no sense, as it often does."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # of many kinds, and the pixels may be well
        return 1


def _opaque(image: Image.Image, background: str) -> Image.Image:
    """The picture in mode L or RGB."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 = 255 * 257
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are 32-bit numbers, of which nobody says what is white")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, background), picture).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
