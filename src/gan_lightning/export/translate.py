"""Translate a picture with nothing but torch and Pillow: python translate.py photo.jpg painting.png.

This script was written by gan-lightning's export.py beside the generator that it uses. Pictures may have any size.
"""

from __future__ import annotations

import argparse
import ctypes
import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor

HERE = Path(__file__).parent


def read(path: Path, channels: int, background: str) -> Tensor:
    """A picture as bytes [1 C H W], upright and with the background behind transparent pixels."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16 bits
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    image = image.convert("L" if channels == 1 else "RGB")
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return pixels.reshape(image.height, image.width, channels).permute(2, 0, 1)[None]


def write(pixels: Tensor, path: Path) -> None:
    """Write bytes [1 C H W] as a picture; a JPEG keeps what it can."""
    _, channels, height, width = pixels.shape
    flat = pixels[0].permute(1, 2, 0).contiguous()
    data = ctypes.string_at(flat.data_ptr(), flat.numel())  # without NumPy, which torch can do without
    is_jpeg = path.suffix.lower() in (".jpg", ".jpeg", ".jfif")
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if is_jpeg else {}
    Image.frombytes("L" if channels == 1 else "RGB", (width, height), data).save(path, **options)


def reflected(side: int, multiple: int, least: int) -> Tensor:
    """Indices 0, 1, ..., side - 1, side - 2, ... up to a length that is a multiple and at least ``least``."""
    length = max(-(-side // multiple) * multiple, -(-least // multiple) * multiple)
    period = max(2 * (side - 1), 1)
    there = torch.arange(length) % period
    return torch.minimum(there, period - there) if side > 1 else torch.zeros(length, dtype=torch.long)


def translated(pixels: Tensor) -> Tensor:
    """The bytes [1 C_out H W] that the generator makes of a picture of any size."""
    config = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
    generator = torch.export.load(HERE / "generator.pt2").module()
    height, width = pixels.shape[2:]
    rows, columns = (reflected(side, config["multiple_of"], config["least"]) for side in (height, width))
    images = pixels[:, :, rows][:, :, :, columns].float() / 127.5 - 1
    with torch.no_grad():
        made: Tensor = generator(images)[:, :, :height, :width]
    return made.mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8)


def main() -> None:
    """Translate one picture."""
    parser = argparse.ArgumentParser(description="Translate a picture by the generator beside this script.")
    parser.add_argument("picture", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--background", choices=("white", "black"), default="white")
    options = parser.parse_args()
    channels = json.loads((HERE / "config.json").read_text(encoding="utf-8"))["in_channels"]
    write(translated(read(options.picture, channels, options.background)), options.to)
    print(options.to)


if __name__ == "__main__":
    main()
