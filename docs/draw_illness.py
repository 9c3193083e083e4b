"""One picture of a run that is ill: its last samples, and the curves that show it, with a line where it was named.

python docs/draw_illness.py docs/images/health_discriminator_wins.png runs/RUN \
    --curves accuracy/real,accuracy/fake gradient_norm/generator
"""

from __future__ import annotations

import argparse
from pathlib import Path

from draw_run import CAPTION, CURVE, FONT, GAP, TILE, Curve, chart
from PIL import Image, ImageDraw, ImageFont

from gan_lightning.runs.folder import RunFolder

WIDTH = 420


def curve(run: RunFolder, name: str) -> Curve:
    """A curve of the run over thousands of images, every value of it."""
    records = [each for each in run.numbers() if each["name"] == name]
    return Curve(name, [(each["images"] / 1000, each["value"]) for each in records])


def marked(run: RunFolder, names: list[str]) -> Image.Image:
    """A chart of these curves with a line at the first diagnosis."""
    curves = [curve(run, name) for name in names]
    picture = chart(curves, WIDTH)
    last = max(x for each in curves for x, _ in each.points)
    if found := [each for each in run.diagnoses() if each["value"]]:
        left, right = 4 * FONT, WIDTH - 4 * FONT
        x = left + min(1.0, found[0]["images"] / 1000 / last) * (right - left)
        ImageDraw.Draw(picture).line([(x, CAPTION), (x, CAPTION + CURVE)], fill="orange", width=2)
    return picture


def main() -> None:
    """Draw the picture and save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--curves", nargs="+", required=True, help="for each chart the names of its curves")
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    charts = [marked(run, names.split(",")) for names in arguments.curves]
    sheets = run.sheets()
    last = max(sheets)
    size = TILE + GAP + WIDTH, max(CAPTION + TILE, sum(each.height for each in charts))
    canvas = Image.new("RGB", size, "white")
    ImageDraw.Draw(canvas).text((0, 0), f"iteration {last:,}", fill="black", font=ImageFont.load_default(FONT))
    canvas.paste(Image.open(sheets[last]).convert("RGB").resize((TILE, TILE)), (0, CAPTION))
    top = 0
    for each in charts:
        canvas.paste(each, (TILE + GAP, top))
        top += each.height
    canvas.quantize(256).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
