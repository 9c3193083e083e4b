"""Sample grids of all recipes at the same points of training, made small enough to be stored inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from gan_lightning.compare.formatting import kimg
from gan_lightning.compare.rows import Row
from gan_lightning.compare.runs import Run
from gan_lightning.runs.folder import RunFolder

POINTS = 4
"""Number of points of training that are shown."""
LARGEST = 3_000_000
"""Limit in bytes for all pictures together, before base64 adds a third."""
SIDES = (400, 300, 220, 160, 120)
"""Lengths in pixels that are tried for the longer side of every picture; the first with which all of them fit wins."""


@dataclass(frozen=True)
class Picture:
    """A PNG that is stored inside the page as a data URL."""

    url: str
    width: int
    height: int
    caption: str


@dataclass(frozen=True)
class Strip:
    """The samples of one recipe over time."""

    name: str
    seed: int | None
    pictures: list[Picture]


@dataclass(frozen=True)
class Strips:
    """All pictures of the page: the real images, and one strip for each recipe."""

    real: Picture | None
    strips: list[Strip]


def samples(rows: Sequence[Row], points: int = POINTS) -> Strips:
    """The grids of each recipe's typical run at a few points of training, and the real images.

    The points are evenly spaced up to the last one that all of these runs have reached. A picture that can't be read
    is left out.
    """
    return strips_of({row.name: row.typical() for row in rows}, points)


def strips_of(runs: Mapping[str, Run], points: int, whole: bool = False) -> Strips:
    """The grids of runs at a few points of training, and the real images.

    Args:
        runs: The runs by the names that the strips get.
        points: Number of points of training.
        whole: Whether each run is shown from before training to its own end. Otherwise all are shown at the same
            points, from the first after the start to the last that all have reached.
    """
    drawn = {name: _drawn(run, whole) for name, run in runs.items()}
    drawn = {name: files for name, files in drawn.items() if files}
    if not drawn:
        return Strips(None, [])
    reached = min(max(files) for files in drawn.values())
    chosen = {name: _nearest(files, max(files) if whole else reached, points, whole) for name, files in drawn.items()}
    real = next((file for run in runs.values() if (file := RunFolder(run.folder).real_sheet).is_file()), None)
    files = [file for each in chosen.values() for file in each.values()] + ([real] if real else [])
    pngs = _within(files)
    strips = []
    for name, run in runs.items():
        shown = chosen.get(name, {})
        pictures = [_picture(pngs[file], kimg(images)) for images, file in shown.items() if file in pngs]
        if pictures:
            strips.append(Strip(name, run.seed, pictures))
    return Strips(_picture(pngs[real], "real images") if real in pngs else None, strips)


def _drawn(run: Run, start: bool) -> dict[float, Path]:
    """The grids of a run by the number of images that had been seen, with or without the one from before training."""
    spent = run.spent()
    each = spent["images"] / max(spent["iteration"], 1)
    return {iteration * each: file for iteration, file in RunFolder(run.folder).sheets().items() if iteration or start}


def _nearest(files: Mapping[float, Path], reached: float, points: int, start: bool) -> dict[float, Path]:
    wanted = [reached * (i + 1) / points for i in range(points)] + ([0.0] if start else [])
    found = sorted({min(files, key=lambda images: abs(images - point)) for point in wanted})
    return {images: files[images] for images in found}


def _within(files: Sequence[Path]) -> dict[Path, tuple[bytes, tuple[int, int]]]:
    """The files as PNG, all scaled by the same rule, as large as the page's limit allows."""
    for side in SIDES:
        pngs = {file: png for file in files if (png := _encoded(file, side)) is not None}
        if sum(len(data) for data, _ in pngs.values()) <= LARGEST:
            break
    return pngs


def _encoded(file: Path, side: int) -> tuple[bytes, tuple[int, int]] | None:
    try:
        with Image.open(file, formats=("PNG",)) as image:
            grey = image.mode in ("1", "L", "I;16")
            small = image.convert("L" if grey else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, format="PNG")
    return out.getvalue(), small.size


def _picture(png: tuple[bytes, tuple[int, int]], caption: str) -> Picture:
    data, (width, height) = png
    return Picture(f"data:image/png;base64,{base64.b64encode(data).decode()}", width, height, caption)
