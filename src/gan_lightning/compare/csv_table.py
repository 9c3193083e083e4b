"""The comparison as CSV for other programs, with all digits and without units in the cells."""

from __future__ import annotations

import csv
import io

from gan_lightning.compare.comparison import Comparison
from gan_lightning.runs.cells import cell

HEADS = (
    *("place", "recipe", "metric", "better", "seeds", "at", "budget", "budget_unit", "mean", "std"),
    *("best_mean", "best_std", "final_mean", "final_std", "p_best", "rank_low", "rank_high"),
    *("images", "d_updates", "g_updates", "seconds", "peak_memory", "runs_left_out", "folders"),
)


def csv_table(comparison: Comparison) -> str:
    """The CSV text (RFC 4180) with one line for each recipe; a value that is not known is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS)
    wish = comparison.wish
    for place, row in enumerate(comparison.rows, 1):
        standing = row.standing
        chance = (standing.best, *standing.ranks) if standing is not None else (None, None, None)
        writer.writerow(
            cell(each)
            for each in [
                *(place, row.name, wish.metric, comparison.better, len(row.runs)),
                *(wish.at, comparison.budget, wish.axis),
                *(value for spread in (row.fair, row.best, row.final) for value in (spread.mean, spread.deviation)),
                *chance,
                *(row.spent(what) for what in ("images", "d_updates", "g_updates", "seconds")),
                row.peak_memory(),
                row.left_out,
                " ".join(run.folder.name for run in row.runs),
            ]
        )
    return out.getvalue()
