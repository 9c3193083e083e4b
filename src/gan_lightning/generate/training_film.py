"""A film of a training: the sample sheets of a run one after the other, which needs no generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gan_lightning.errors import UserError
from gan_lightning.generate.films import Tiles
from gan_lightning.runs.folder import RunFolder


def sheets_as_tiles(run: RunFolder) -> tuple[Tiles, list[int]]:
    """The sheets of a run as the frames of a film with one row, and the iteration of each.

    Raises:
        UserError: If the run has fewer than two sheets, or if they can't be read or differ in size.
    """
    found = run.sheets()
    if len(found) < 2:
        raise UserError(
            f"film=training shows the sheets in {run.samples}, and there are {len(found)}: "
            "callbacks.samples.every_kimg says how often a run draws one."
        )
    frames = [_read(path) for path in found.values()]
    if len(sizes := {(frame.mode, frame.size) for frame in frames}) > 1:
        sides = ", ".join(sorted(f"{width} x {height}" for _, (width, height) in sizes))
        raise UserError(f"film=training: the sheets in {run.samples} are not of one size ({sides}).")
    pixels = torch.from_numpy(np.stack([np.asarray(frame) for frame in frames]))
    tiles = pixels.unsqueeze(1) if pixels.dim() == 3 else pixels.permute(0, 3, 1, 2)
    return tiles.unsqueeze(0), list(found)


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.convert("L" if image.mode in ("1", "L") else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"Can't read {path}: {' '.join(str(error).split())}.") from error
