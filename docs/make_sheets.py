"""One sheet with the last picture of several runs, each with the overrides that differ as its title: ``make sheets``.

python docs/make_sheets.py docs/images/ring.png runs/sheets/ring/*/
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from gan_lightning.runs.folder import RunFolder, read_json

COLUMNS, TILE, CAPTION, GAP, FONT = 5, 256, 44, 12, 16
SCATTER_TITLE = 24  # pixels at the top of a scatter plot, which are cut off because the caption says the same


class Run(NamedTuple):
    """A run as a sheet shows it: its overrides, a line on its result, and its last picture."""

    overrides: list[str]
    result: str
    picture: Image.Image


def read(folder: Path) -> Run:
    """Read a run folder: the overrides of its first command line (not of a resume), its result and its last picture."""
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
        fid = next((f"FID {line['value']:.1f}" for line in run.evaluated() if is_fid(line)), None)
        images = f"{summary['images']:,} images"
        result = f"{fid or images}, {summary['g_updates']:,} G steps"
    picture.thumbnail((TILE, TILE))
    return Run(overrides, result, picture)


def is_fid(line: Mapping[str, Any]) -> bool:
    """Whether a record of ``evaluate.py`` is the FID of the averaged weights."""
    return bool(line["name"] == "fid" and line["protocol"]["generator"] == "averaged")


def sheet(runs: list[Run]) -> Image.Image:
    """A sheet of all runs in rows of ``COLUMNS``; a title leaves out the overrides that all runs share."""
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
    """Draw the sheet and save it in 64 colours, which are enough for digits and points."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs, in the order of the sheet")
    arguments = parser.parse_args()
    sheet([read(folder) for folder in arguments.runs]).quantize(64).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
