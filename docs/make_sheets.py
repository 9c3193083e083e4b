"""One sheet of the last pictures of several runs, each under what was typed for it alone: ``make sheets``.

python docs/make_sheets.py docs/images/ring.png runs/sheets/ring/*/
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from gan_lightning.runs.folder import RunFolder, read_json

COLUMNS, TILE, CAPTION, GAP, FONT = 5, 256, 44, 12, 16
SCATTER_TITLE = 24  # pixels at the top of a scatter, whose words stand in the caption here


class Run(NamedTuple):
    """What a sheet shows of one run."""

    overrides: list[str]
    result: str
    picture: Image.Image


def read(folder: Path) -> Run:
    """Look into a run folder: its first command line (a resume has its own), its numbers and its newest picture."""
    run = RunFolder(folder)
    overrides = run.attempt(0).words()
    sheets = run.sheets()
    picture = Image.open(sheets[max(sheets)]).convert("RGB")
    last = {record["name"]: record["value"] for record in run.numbers()}
    if "quality/modes" in last:
        result = f"{last['quality/modes']:.0f} modes, {last['quality/high_quality_share']:.1%}"
        picture = ImageOps.crop(picture, SCATTER_TITLE)
    else:
        summary = read_json(run.summary)
        result = f"{summary['images']:,} images, {summary['g_updates']:,} G steps"
    picture.thumbnail((TILE, TILE))
    return Run(overrides, result, picture)


def sheet(runs: list[Run]) -> Image.Image:
    """All pictures in rows of COLUMNS."""
    shared = set.intersection(*(set(run.overrides) for run in runs))
    columns, rows = min(COLUMNS, len(runs)), -(-len(runs) // COLUMNS)
    size = (columns * (TILE + GAP) + GAP, rows * (TILE + CAPTION + GAP) + GAP)
    canvas = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(canvas)
    for index, run in enumerate(runs):
        left = GAP + index % COLUMNS * (TILE + GAP)
        top = GAP + index // COLUMNS * (TILE + CAPTION + GAP)
        title = ", ".join(override for override in run.overrides if override not in shared)
        pen.multiline_text((left, top), f"{title}\n{run.result}", fill="black", font=ImageFont.load_default(FONT))
        canvas.paste(run.picture, (left, top + CAPTION))
    return canvas


def main() -> None:
    """Draw and save, in 64 colours: neither digits nor points need more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs, in the order of the sheet")
    arguments = parser.parse_args()
    sheet([read(folder) for folder in arguments.runs]).quantize(64).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
