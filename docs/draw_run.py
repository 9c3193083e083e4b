"""One picture of a run: its samples at several points of training, and curves of its losses and its FID.

python docs/draw_run.py docs/images/dcgan_cifar10.png runs/RUN --kimg 50 100 300 600

Losses are medians of ten lines of ``metrics.jsonl``; the FID is what ``evaluate.py`` recorded of the run's checkpoints.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from gan_lightning.runs.folder import RunFolder

TILE, CURVE, GAP, CAPTION, FONT, WINDOW = 274, 160, 12, 22, 14, 10
COLOURS = ("black", "firebrick", "steelblue", "darkorange")


class Curve(NamedTuple):
    """A name, and values over thousands of real images shown to D."""

    name: str
    points: list[tuple[float, float]]


def logged(run: Path, name: str) -> Curve:
    """The curve that the run logged under ``name``, smoothed by the median of every ``WINDOW`` values."""
    records = RunFolder(run).numbers()
    found = [(record["images"] / 1000, record["value"]) for record in records if record["name"] == name]
    parts = [found[i : i + WINDOW] for i in range(0, len(found), WINDOW)]
    return Curve(name, [(part[-1][0], median(value for _, value in part)) for part in parts])


def measured(run: Path, name: str) -> Curve:
    """The curve of a metric that ``evaluate.py`` measured on the averaged weights of the run's checkpoints."""
    points = {
        line["images_seen"] / 1000: line["value"]
        for line in RunFolder(run).evaluated()
        if line["name"] == name and line["protocol"]["generator"] == "averaged"
    }
    return Curve(name, sorted(points.items()))


def chart(curves: Sequence[Curve], width: int, unit: str = "kimg") -> Image.Image:
    """A picture of the curves in one frame, with axes that start at zero and the ends of the axes as text."""
    picture = Image.new("RGB", (width, CURVE + 2 * CAPTION), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT)
    last = max(x for curve in curves for x, _ in curve.points)
    highest = max(y for curve in curves for _, y in curve.points)
    left, right, bottom = 4 * FONT, width - 4 * FONT, CAPTION + CURVE
    pen.line([(left, CAPTION), (left, bottom), (right, bottom)], fill="grey")
    pen.text((0, CAPTION), f"{highest:.3g}", fill="grey", font=font)
    pen.text((left - FONT, bottom - FONT), "0", fill="grey", font=font)
    pen.text((right - 2 * FONT, bottom + 2), f"{last:.0f} {unit}", fill="grey", font=font)
    start = float(left)
    for curve, colour in zip(curves, COLOURS, strict=False):
        pen.text((start, 0), curve.name, fill=colour, font=font)
        start += pen.textlength(curve.name, font=font) + 2 * FONT
        line = [(left + x / last * (right - left), bottom - y / highest * CURVE) for x, y in curve.points]
        pen.line(line, fill=colour, width=2)
        for x, y in line if len(line) < 2 * WINDOW else ():
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colour)
    return picture


def samples(run: Path, kimg: float) -> tuple[str, Image.Image]:
    """The grid of samples that was drawn nearest to a point of training, and that point as a caption."""
    records = RunFolder(run).numbers()
    images = {record["iteration"]: record["images"] for record in records}
    batch = max(images.values()) / max(images)
    grids = RunFolder(run).sheets()
    nearest = min(grids, key=lambda iteration: abs(iteration * batch - 1000 * kimg))
    return f"{nearest * batch / 1000:.0f} kimg", Image.open(grids[nearest]).convert("RGB")


def main() -> None:
    """Draw the picture and save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--kimg", type=float, nargs="+", required=True, help="points of training to show samples of")
    arguments = parser.parse_args()
    grids = [samples(arguments.run, kimg) for kimg in arguments.kimg]
    width = len(grids) * (TILE + GAP) - GAP
    charts = [
        chart([logged(arguments.run, f"loss/{player}") for player in ("generator", "discriminator")], width),
        chart([measured(arguments.run, "fid")], width),
    ]
    canvas = Image.new("RGB", (width, TILE + CAPTION + sum(each.height + GAP for each in charts)), "white")
    pen = ImageDraw.Draw(canvas)
    for index, (when, grid) in enumerate(grids):
        pen.text((index * (TILE + GAP), 0), when, fill="black", font=ImageFont.load_default(FONT))
        canvas.paste(grid.resize((TILE, TILE)), (index * (TILE + GAP), CAPTION))
    for index, each in enumerate(charts):
        canvas.paste(each, (0, TILE + CAPTION + GAP + index * (each.height + GAP)))
    canvas.quantize(256).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
