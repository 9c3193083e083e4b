"""The report of a search: a line for each trial, a table for other programs, and how to run the best trial again."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from gan_lightning.runs.cells import cell
from gan_lightning.runs.whole_files import replacing
from gan_lightning.search.objective import Objective
from gan_lightning.terminal import called

TABLE = "study.csv"
"""File of the table, in the search's folder."""
STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def write_table(path: Path, trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> None:
    """Write one row for each trial; only a trial that is done has values, because a pruned one ended early."""
    parameters = list(dict.fromkeys(key for trial in trials for key in trial.params))
    names = [objective.name for objective in objectives]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, ["trial", "state", *names, *parameters, "seconds", "folder", "reason"])
        rows.writeheader()
        for trial in trials:
            values = dict(zip(names, trial.values, strict=True)) if trial.state == TrialState.COMPLETE else {}
            facts = {key: trial.user_attrs.get(key) for key in ("seconds", "folder", "reason")}
            row = {"trial": trial.number, "state": STATES[trial.state], **values, **trial.params, **facts}
            rows.writerow({key: cell(value) for key, value in row.items()})


def trial_line(trial: FrozenTrial, objectives: Sequence[Objective]) -> str:
    """A trial in one line: its values or how else it ended, and its parameters."""
    came_of_it = {
        TrialState.COMPLETE: lambda: _numbers(trial, objectives),
        TrialState.FAIL: lambda: f"failed: {trial.user_attrs.get('reason')}",
    }.get(trial.state, lambda: STATES[trial.state])()
    return f"trial {trial.number}: {came_of_it} ({_parameters(trial.params)})"


def summary_lines(
    best: Sequence[FrozenTrial], trials: Sequence[FrozenTrial], objectives: Sequence[Objective], table: Path
) -> Iterator[str]:
    """The lines at the end of a search: numbers of trials by state, the best trials, and where the table lies."""
    counts = {name: sum(trial.state == state for trial in trials) for state, name in STATES.items()}
    yield f"{len(trials)} trials: {', '.join(f'{count} {name}' for name, count in counts.items() if count)}"
    if len(objectives) > 1 and best:
        yield f"{len(best)} that no other beats in {' and '.join(objective.name for objective in objectives)}:"
    for trial in sorted(best, key=lambda trial: trial.values):
        yield f"{'best ' if len(objectives) == 1 else ''}{trial_line(trial, objectives)}"
        yield f"  folder: {trial.user_attrs['folder']}"
        yield f"  again:  {called('train.py')} {shlex.join(trial.user_attrs['words'])}"
    yield f"table:    {table}"


def _numbers(trial: FrozenTrial, objectives: Sequence[Objective]) -> str:
    return ", ".join(f"{objective.name} {value:.4g}" for objective, value in zip(objectives, trial.values, strict=True))


def _parameters(parameters: Mapping[str, Any]) -> str:
    return " ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in parameters.items()
    )
