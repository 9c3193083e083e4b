"""Warnings that stand beside the ranking: single seeds, differences within noise, missing runs, unequal budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gan_lightning.compare.curves import Axis
from gan_lightning.compare.formatting import amount, listed
from gan_lightning.compare.ranking import LEAST_SEEDS
from gan_lightning.compare.rows import Row

SURE = 0.975
"""Probability of being better from which the first recipe is called better than another.

Either of the two could have come first, so this is a two-sided test at 95%.
"""
MUCH_LONGER = 1.05
"""Ratio of the longest run to the common budget above which a warning says so."""


def cautions(rows: Sequence[Row], axis: Axis, budget: float) -> list[str]:
    """The warnings as sentences, the most important first; ``rows`` are in the order of the ranking."""
    return [
        *_single_seeds(rows),
        *_within_noise(rows),
        *_missing(rows),
        *_unequal(rows, axis, budget),
        *_ill(rows),
    ]


def within_noise(rows: Sequence[Row]) -> list[Row]:
    """The rows whose difference from the first row may be chance."""
    if not rows or rows[0].standing is None:
        return []
    return [row for row in rows[1:] if row.standing is not None and row.standing.behind < SURE]


def _single_seeds(rows: Sequence[Row]) -> Iterator[str]:
    single = [row.name for row in rows if len(row.runs) < LEAST_SEEDS]
    if single and len(rows) > 1:
        yield f"One seed only, so no confidence can be had: {listed(single)}. Run more seeds."


def _within_noise(rows: Sequence[Row]) -> Iterator[str]:
    if near := within_noise(rows):
        names = [f"{row.name} ({row.standing.behind:.0%})" for row in near if row.standing is not None]
        yield (
            f"The first place is within noise: {rows[0].name} is ahead of these in less than {SURE:.1%} of the draws: "
            f"{listed(names)}."
        )


def _missing(rows: Sequence[Row]) -> Iterator[str]:
    missing = [f"{row.name} ({row.left_out} of {row.left_out + len(row.runs)})" for row in rows if row.left_out]
    if missing:
        yield f"Runs are missing from the numbers, which may flatter a recipe: {listed(missing)}."


def _unequal(rows: Sequence[Row], axis: Axis, budget: float) -> Iterator[str]:
    longest = max(curve.along(axis)[-1] for row in rows for curve in row.curves)
    if longest > MUCH_LONGER * budget:
        yield (
            f"Runs went as far as {amount(longest, axis)}: only the numbers at {amount(budget, axis)}, which all have "
            "reached, are a fair comparison."
        )


def _ill(rows: Sequence[Row]) -> Iterator[str]:
    found = [
        f"{row.name}, seed {run.seed}: {', '.join(dict.fromkeys(each.name for each in run.illnesses))}"
        for row in rows
        for run in row.runs
        if run.illnesses
    ]
    if found:
        yield f"The doctor found illnesses during training: {listed(found)}."
