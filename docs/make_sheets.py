"""One sheet of the last pictures of several runs, each under what was typed for it alone: ``make sheets``.

python docs/make_sheets.py docs/images/ring.png runs/sheets/ring/*
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from gan_lightning.records import FILE, read_records

COLUMNS, TILE, CAPTION, GAP = 5, 256, 44, 12
TITLE = 24  # pixels at the top of a scatter, which says there what the caption says here


def picture(run: Path) -> Image.Image:
    """The newest of ``samples/``, at most TILE x TILE."""
    newest = Image.open(max((run / "samples").glob("iteration-*.png"))).convert("RGB")
    if modes(run):
        newest = ImageOps.crop(newest, TITLE)
    newest.thumbnail((TILE, TILE))
    return newest


def modes(run: Path) -> str:
    """What the points of the plane were measured by; nothing for images."""
    last = {record["name"]: record["value"] for record in read_records(run / FILE)}
    if "quality/modes" not in last:
        return ""
    return f"{last['quality/modes']:.0f} modes, {last['quality/high_quality_share']:.1%}, "


def caption(run: Path, shared: set[str]) -> str:
    """What sets the run apart, and what it took."""
    summary = json.loads((run / "summary.json").read_text())
    title = ", ".join(override for override in overrides(run) if override not in shared)
    if modes(run):
        return f"{title}\n{modes(run)}{summary['seconds']:.0f} s"
    return f"{title}\n{summary['images']:,} images, {summary['g_updates']:,} G steps"


def overrides(run: Path) -> list[str]:
    """The command line that made the run."""
    return (run / "overrides.txt").read_text().splitlines()


def sheet(runs: list[Path]) -> Image.Image:
    """All pictures in rows of COLUMNS."""
    shared = set.intersection(*(set(overrides(run)) for run in runs)) if len(runs) > 1 else set()
    rows = -(-len(runs) // COLUMNS)
    size = (COLUMNS * (TILE + GAP) + GAP, rows * (TILE + CAPTION + GAP) + GAP)
    canvas = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(canvas)
    for index, run in enumerate(runs):
        left = GAP + index % COLUMNS * (TILE + GAP)
        top = GAP + index // COLUMNS * (TILE + CAPTION + GAP)
        pen.multiline_text((left, top), caption(run, shared), fill="black", font=ImageFont.load_default(16))
        canvas.paste(picture(run), (left, top + CAPTION))
    return canvas


def main() -> None:
    """Draw and save, in 64 colours: neither digits nor points need more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs, in the order of the sheet")
    arguments = parser.parse_args()
    sheet(arguments.runs).quantize(64).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
