"""The comparison of recipes: their numbers, their ranking and how sure it is, and the runs that are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gan_lightning.compare.agreement import common_direction, common_protocol
from gan_lightning.compare.cautions import cautions
from gan_lightning.compare.counted_runs import Wish, sort_out
from gan_lightning.compare.curves import Better, Curve
from gan_lightning.compare.formatting import amount
from gan_lightning.compare.ranking import LEAST_SEEDS, standings
from gan_lightning.compare.recipes import Recipe, differences, in_common, names, recipes_of
from gan_lightning.compare.rows import Row, Spread
from gan_lightning.compare.runs import Run
from gan_lightning.runs.protocol import Protocol


@dataclass(frozen=True)
class LeftOut:
    """A run that does not count in the comparison."""

    run: Run
    recipe: str
    """Name of the run's recipe, or an empty string if training never began."""
    reason: str

    @property
    def label(self) -> str:
        """Recipe and seed if the recipe is known, else the name of the folder; the reason stands beside it."""
        return f"{self.recipe}, seed {self.run.seed}" if self.recipe else self.run.folder.name


@dataclass(frozen=True)
class Comparison:
    """Everything that a table or a page shows."""

    wish: Wish
    better: Better
    budget: float
    """Images or seconds that every run which counts has reached."""
    rows: list[Row]
    """One row for each recipe, the best first."""
    left_out: list[LeftOut]
    protocol: Protocol | None
    differences: Mapping[str, Sequence[str]]
    """Keys of the configuration that the recipes set differently, each with one value for every row."""
    common: Mapping[str, str]
    """Keys of the configuration that all recipes set to the same value."""
    cautions: list[str]


def compare(runs: Sequence[Run], wish: Wish) -> Comparison:
    """Group the runs by recipe, cut them to a common budget and rank the recipes.

    Raises:
        UserError: If there is nothing to compare, or if the numbers were measured differently.
    """
    counted, reasons = sort_out(runs, wish)
    protocol = common_protocol(counted, wish.metric)
    better = wish.better or common_direction(counted, wish.metric)
    curves = {run.folder: curve for run in counted if (curve := run.curve(wish.metric)) is not None}
    budget = min(curve.along(wish.axis)[-1] for curve in curves.values())
    fair = {folder: cut for folder, curve in curves.items() if (cut := curve.within(wish.axis, budget)) is not None}
    reasons |= {folder: f"first measured after {amount(budget, wish.axis)}" for folder in curves.keys() - fair.keys()}
    recipes = recipes_of([run for run in runs if run.config])
    named = dict(zip(names(recipes), recipes, strict=True))
    found = [_row(name, recipe, curves, fair, wish, better) for name, recipe in named.items()]
    rows = _in_order([row for row in found if row is not None], better)
    ordered = [named[row.name] for row in rows]
    home = {run.folder: name for name, recipe in named.items() for run in recipe.runs}
    return Comparison(
        wish=wish,
        better=better,
        budget=budget,
        rows=rows,
        left_out=[LeftOut(run, home.get(run.folder, ""), reasons[run.folder]) for run in runs if run.folder in reasons],
        protocol=protocol,
        differences=differences(ordered),
        common=in_common(ordered),
        cautions=cautions(rows, wish.axis, budget),
    )


def _row(
    name: str, recipe: Recipe, curves: Mapping[Path, Curve], fair: Mapping[Path, Curve], wish: Wish, better: Better
) -> Row | None:
    """The row of a recipe, or None if none of its runs counts."""
    runs = tuple(run for run in recipe.runs if run.folder in fair)
    if not runs:
        return None
    whole = tuple(curves[run.folder] for run in runs)
    return Row(
        name=name,
        runs=runs,
        curves=whole,
        best=Spread(tuple(curve.at("best", better) for curve in whole)),
        final=Spread(tuple(curve.at("final", better) for curve in whole)),
        fair=Spread(tuple(fair[run.folder].at(wish.at, better) for run in runs)),
        left_out=len(recipe.runs) - len(runs),
    )


def _in_order(rows: Sequence[Row], better: Better) -> list[Row]:
    """The rows, the best first, each with its standing among the recipes that have several seeds."""
    ordered = sorted(rows, key=lambda row: row.fair.mean, reverse=better == "higher")
    several = [row for row in ordered if len(row.runs) >= LEAST_SEEDS]
    if len(several) < 2:
        return ordered
    found = standings([row.fair.values for row in several], better)
    by_name = dict(zip((row.name for row in several), found, strict=True))
    return [replace(row, standing=by_name.get(row.name)) for row in ordered]
