"""The one place where pixels change between bytes and [-1, 1], and where images become a grid and a file."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from gan_lightning.errors import Diverged
from gan_lightning.types import Bytes, Images

QUANTISATION = "round(127.5 x + 127.5), clamped to 0..255"
"""What :func:`to_bytes` does, for those who state how a number was measured."""


def to_unit(images: Bytes) -> Images:
    """Bytes 0..255 [B, C, H, W] to float32 in [-1, 1]."""
    return images.to(torch.float32).div_(127.5).sub_(1)


def to_bytes(images: Images) -> Bytes:
    """Floats [B, C, H, W] to the nearest bytes, clamped; gives back exactly what :func:`to_unit` took."""
    return images.to(torch.float32).mul(127.5).add_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def finite(images: Images) -> Images:
    """A generator's images as they are.

    Raises:
        Diverged: Something in them is no number. As bytes it would be black, and pass for a picture.
    """
    if not torch.isfinite(images).all():
        raise Diverged("The generator draws pixels that are no finite numbers: it has diverged.")
    return images


def grid(images: Bytes, columns: int, padding: int = 2) -> UInt8[Tensor, "C rows_px columns_px"]:
    """Images [B, C, H, W] row by row in ``columns`` columns, with ``padding`` black pixels around each."""
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
    """Write a grey or RGB image [C, H, W] as PNG; a reader never sees half a file.

    Raises:
        ValueError: if it has neither 1 nor 3 channels.
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
