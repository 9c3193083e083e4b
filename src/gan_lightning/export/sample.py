"""Draw images with nothing but torch: python sample.py --seeds 0-15 --to images.

This script was written by gan-lightning's export.py beside the generator that it draws from. A seed gives the same
image here as in gan-lightning's generate.py.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

HERE = Path(__file__).parent


def truncated_normal(size: int, generator: Generator, limit: float = 2.0) -> Tensor:
    """Draw from ``N(0, 1)`` conditioned on ``|z| <= limit``, by the inverse of its distribution function."""
    mass = math.erf(limit / math.sqrt(2))
    z = math.sqrt(2) * torch.erfinv(mass * (2 * torch.rand(size, generator=generator) - 1))
    return z.clamp(-limit, limit)


PRIORS: Mapping[str, Callable[..., Tensor]] = {
    "gan_lightning.games.priors.Normal": lambda size, generator: torch.randn(size, generator=generator),
    "gan_lightning.games.priors.Uniform": lambda size, generator: 2 * torch.rand(size, generator=generator) - 1,
    "gan_lightning.games.priors.TruncatedNormal": truncated_normal,
}


def latents(config: Mapping[str, Any], seeds: list[int]) -> Tensor:
    """Latents [B Z] of the seeds; each row comes from a random generator of its own."""
    options = dict(config["prior"])
    name = options.pop("_target_")
    if name not in PRIORS:
        raise SystemExit(f"The latents come from {name}, which this script does not know: add it to PRIORS.")
    generators = (seeded(config, seed, "z") for seed in seeds)
    return torch.stack([PRIORS[name](config["latent_dim"], each, **options) for each in generators])


def seeded(config: Mapping[str, Any], seed: int, purpose: str) -> Generator:
    """A random generator for one seed and one purpose."""
    return Generator().manual_seed((config["seed_offsets"][purpose] + seed) % 2**32)


def drawn_class(config: Mapping[str, Any], seed: int) -> int:
    """The class that is drawn from a seed if none was asked for."""
    return int(torch.randint(config["num_classes"], (), generator=seeded(config, seed, "class")))


def to_bytes(images: Tensor) -> Tensor:
    """Images in [-1, 1] as bytes from 0 to 255."""
    return images.mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8)


def write_png(path: Path, image: Tensor) -> None:
    """Write a grey or RGB image [C H W] as PNG (ISO/IEC 15948): a header, one compressed block of rows, an end."""
    channels, height, width = image.shape
    rows = image.permute(1, 2, 0).reshape(height, width * channels).tolist()
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    chunks = b"".join(chunk(*each) for each in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file: length, kind, content and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def seed_range(text: str) -> list[int]:
    """The seeds of a text such as "7" or "0-15"."""
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    """Write a PNG for each seed."""
    parser = argparse.ArgumentParser(description="Draw images of the generator beside this script.")
    parser.add_argument("--seeds", type=seed_range, default=seed_range("0-15"), help="such as 7 or 0-15")
    parser.add_argument("--class", type=int, dest="label", help="where the generator takes labels")
    parser.add_argument("--to", type=Path, default=Path("images"), help="a folder")
    options = parser.parse_args()
    config = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
    generator = torch.export.load(HERE / "generator.pt2").module()
    options.to.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        inputs = [latents(config, [seed])]
        if config["num_classes"]:
            inputs.append(torch.tensor([drawn_class(config, seed) if options.label is None else options.label]))
        write_png(options.to / f"seed-{seed:06d}.png", to_bytes(generator(*inputs))[0])
    print(f"{len(options.seeds)} images in {options.to}")


if __name__ == "__main__":
    main()
