"""Conversion of pixels between bytes and [-1, 1], grids of images, and PNG files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from gan_lightning.errors import Diverged, UserError
from gan_lightning.types import Bytes, Images

Resolution: TypeAlias = int | Sequence[int]
"""Pixels a side of a square, or (height, width) of a rectangle."""

QUANTISATION = "round(127.5 x + 127.5), clamped to 0..255"
"""The formula of :func:`to_bytes` in words, for records of how a metric was measured."""


def height_and_width(resolution: Resolution) -> tuple[int, int]:
    """Height and width in pixels.

    Raises:
        UserError: If the resolution is neither a whole number of at least 1 nor two of them.
    """
    sides = [resolution, resolution] if isinstance(resolution, int) else resolution
    if isinstance(sides, str) or len(sides) != 2 or any(type(side) is not int or side < 1 for side in sides):
        raise UserError(
            f"The resolution {resolution!r} must be a whole number of pixels such as 256, or a height and a width "
            "such as [256,512]."
        )
    return sides[0], sides[1]


def to_unit(images: Bytes) -> Images:
    """Images [B, C, H, W] of bytes as float32 in [-1, 1]."""
    return images.to(torch.float32).div_(127.5).sub_(1)


def to_bytes(images: Images) -> Bytes:
    """Images [B, C, H, W] of floats in [-1, 1] as the nearest bytes, clamped; it exactly undoes :func:`to_unit`."""
    return images.to(torch.float32).mul(127.5).add_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def finite(images: Images) -> Images:
    """The images of a generator unchanged, after a check that all pixels are finite.

    Raises:
        Diverged: If a pixel is not finite; turned into a byte it would be black, and pass for part of a picture.
    """
    if not torch.isfinite(images).all():
        raise Diverged("The generator draws pixels that are no finite numbers: it has diverged.")
    return images


def grid(images: Bytes, columns: int, padding: int = 2) -> UInt8[Tensor, "C rows_px columns_px"]:
    """One image of all images [B, C, H, W], row by row in ``columns`` columns, with black pixels around each."""
    count, channels, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    tall, wide = height + padding, width + padding
    sheet = images.new_zeros(channels, rows * tall + padding, columns * wide + padding)
    for i, image in enumerate(images):
        top, left = i // columns * tall + padding, i % columns * wide + padding
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def save_png(image: UInt8[Tensor, "C H W"], path: str | Path) -> None:
    """Write a grey or RGB image [C, H, W] as a PNG file, of which a reader never sees half.

    Raises:
        ValueError: If the image has neither 1 nor 3 channels.
    """
    path = Path(path)
    if image.shape[0] not in (1, 3):
        raise ValueError(f"a PNG needs 1 or 3 channels, not {image.shape[0]}")
    picture = Image.fromarray(image.permute(1, 2, 0).squeeze(-1).contiguous().cpu().numpy())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        picture.save(temporary, format="PNG")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
