"""The FID of each contestant of a race over the seconds of training, from the race.jsonl that ``make race`` writes.

python docs/draw_race.py docs/images/race.png runs/race/race.jsonl

Each point is a mean over the seeds, of the averaged weights (EMA) where a contestant has them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from draw_run import Curve, chart

WIDTH = 720


def curves(rows: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """One curve for each contestant, in the order in which they first came in."""
    found = []
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        weights = "averaged" if any(row["weights"] == "averaged" for row in own) else "raw"
        own = [row for row in own if row["weights"] == weights]
        points = sorted({row["point"] for row in own})
        means = [fmean(row["fid"] for row in own if row["point"] == point) for point in points]
        shown = " ".join(word for word in name.split() if not word.startswith("data.data_dir="))
        found.append(Curve(shown, list(zip(points, means, strict=True))))
    return found


def main() -> None:
    """Draw the picture and save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("rows", type=Path, help="race.jsonl of the race's folder")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text().splitlines()]
    chart(curves(rows), WIDTH, "s").quantize(256).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
