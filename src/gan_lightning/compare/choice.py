"""Which runs are in the numbers, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_lightning.compare.curves import At, Axis, Better
from gan_lightning.compare.recipes import recipes_of
from gan_lightning.compare.runs import DONE, Run
from gan_lightning.errors import UserError

ON_THE_WAY = ("interrupted", "unfinished")
"""Endings whose numbers mean something as far as they go; those of a pruned run are bad by choice."""


@dataclass(frozen=True)
class Wish:
    """What is to be compared."""

    metric: str
    at: At = "best"
    axis: Axis = "images"
    better: Better | None = None
    unfinished: bool = False


def sort_out(runs: Sequence[Run], wish: Wish) -> tuple[list[Run], dict[Path, str]]:
    """The runs that count, and of each other the reason.

    Raises:
        UserError: None counts.
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
    """A repetition is no second seed: the newest stands for it."""
    reasons = {}
    for recipe in recipes_of(runs):
        latest: dict[int | None, Run] = {}
        for run in sorted(recipe.runs, key=lambda run: str(run.provenance.get("started", ""))):
            if (earlier := latest.get(run.seed)) is not None:
                reasons[earlier.folder] = f"seed {run.seed} of this recipe was run again in {run.folder.name}"
            latest[run.seed] = run
    return reasons


def _nothing_counts(runs: Sequence[Run], wish: Wish) -> str:
    measured = sorted({name for run in runs for name in run.measured})
    if wish.metric not in measured:
        has = f"they have {', '.join(measured)}" if measured else "train with callbacks=quality"
        return f"metric={wish.metric} was measured in none of {len(runs)} run(s): {has}."
    states = ", ".join(sorted({run.status for run in runs}))
    return f"None of {len(runs)} run(s) is done ({states}): unfinished=true compares them as far as they are."
