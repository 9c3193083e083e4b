"""Decides which runs count in the comparison, and gives the reason for each that does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_lightning.compare.curves import At, Axis, Better
from gan_lightning.compare.recipes import recipes_of
from gan_lightning.compare.runs import DONE, Run
from gan_lightning.errors import UserError

ON_THE_WAY = ("interrupted", "unfinished")
"""States of runs that ``unfinished=true`` counts too, because their numbers are valid as far as they go.

Pruned runs are not among them, because they were stopped on purpose when their numbers were bad.
"""


@dataclass(frozen=True)
class Wish:
    """The options of a comparison: the metric, how it is read from each run, and which runs count."""

    metric: str
    at: At = "best"
    axis: Axis = "images"
    better: Better | None = None
    unfinished: bool = False


def sort_out(runs: Sequence[Run], wish: Wish) -> tuple[list[Run], dict[Path, str]]:
    """The runs that count, and for each of the others, by folder, the reason why it does not.

    Raises:
        UserError: If no run counts.
    """
    counted: list[Run] = []
    reasons: dict[Path, str] = {}
    for run in runs:
        if run.status != DONE and not (wish.unfinished and run.status in ON_THE_WAY):
            reasons[run.folder] = run.reason
        elif run.curve(wish.metric) is None:
            reasons[run.folder] = f"{wish.metric} was not measured"
        else:
            counted.append(run)
    repeated = _repeated(counted)
    if not counted:
        raise UserError(_nothing_counts(runs, wish))
    return [run for run in counted if run.folder not in repeated], reasons | repeated


def _repeated(runs: Sequence[Run]) -> dict[Path, str]:
    """Runs that were repeated later with the same recipe and seed: only the newest counts, for it adds no new seed."""
    reasons = {}
    for recipe in recipes_of(runs):
        latest: dict[int | None, Run] = {}
        for run in sorted(recipe.runs, key=lambda run: str(run.provenance.get("started", ""))):
            if (earlier := latest.get(run.seed)) is not None:
                reasons[earlier.folder] = f"seed {run.seed} of this recipe was run again in {run.folder.name}"
            latest[run.seed] = run
    return reasons


def _nothing_counts(runs: Sequence[Run], wish: Wish) -> str:
    names = sorted({name for run in runs for name in run.measured})
    if wish.metric not in names:
        none = f"metric={wish.metric} was measured in none of {len(runs)} run(s)"
        if quality := [name for name in names if any(run.measures_quality(name) for run in runs)]:
            return f"{none}: they have {', '.join(quality)}."
        if names:
            return f"{none}. Compare another of their curves, such as metric={names[0]}: they have {', '.join(names)}."
        return f"{none}: train with callbacks=quality."
    states = ", ".join(sorted({run.status for run in runs}))
    return f"None of {len(runs)} run(s) is done ({states}): unfinished=true compares them as far as they are."
