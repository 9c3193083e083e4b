"""How one picture of any size and kind becomes a small square one in RGB bytes."""

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
"""A decoded picture: red, green and blue bytes [3 H H]."""

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


def decode(content: bytes, resolution: int, background: str) -> Square:
    """The square in the middle of a picture, turned as EXIF says and resized by Lanczos' filter with antialiasing.

    Of an animation, or of several pages, the first picture is taken. A grey picture gives three equal channels, 16 bits
    become 8, and transparent pixels show the background. Colour profiles are not applied.

    Args:
        content: The content of the file.
        resolution: Side of the square in pixels.
        background: Name of the colour behind transparent pixels.

    Raises:
        Exception: If the file holds no whole picture; the exceptions are of many kinds, which :func:`reason` puts into
            words.
    """
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        shrink = GAP * resolution / min(image.size)
        drafted = image.draft(None, (math.ceil(image.width * shrink), math.ceil(image.height * shrink)))  # JPEG only
        # a draft's size may be fractional, and its last pixels are then cut off
        width, height = drafted[1][2:] if drafted else image.size
        flat = _opaque(image, background)
        turn = _orientation(image)  # read after the pixels, behind which a PNG may have it
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    square = flat.resize((resolution, resolution), Resampling.LANCZOS, box, reducing_gap=GAP)
    if turn in UPRIGHT:
        square = square.transpose(UPRIGHT[turn])
    return np.ascontiguousarray(np.asarray(square.convert("RGB")).transpose(2, 0, 1))


def is_grey(square: Square) -> bool:
    """Whether the three channels of a picture are equal."""
    red, green, blue = square
    return np.array_equal(red, green) and np.array_equal(green, blue)


def reason(error: Exception) -> str:
    """A few words on why a file gave no picture, from the exception that :func:`decode` raised."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


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
