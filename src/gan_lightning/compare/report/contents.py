"""A report on runs that are not ranked: a single run, or runs in which no quality was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gan_lightning.compare.curves import Axis, Curve
from gan_lightning.compare.formatting import described
from gan_lightning.compare.recipes import differences, in_common, names, recipes_of
from gan_lightning.compare.runs import QUALITY, Run
from gan_lightning.errors import UserError
from gan_lightning.runs.protocol import Protocol

NOT_DRAWN = frozenset({"images"})
"""Names of records that are no curves worth drawing, because they are an axis of every chart."""


@dataclass(frozen=True)
class Number:
    """A measured number of a run, with how it was measured."""

    run: str
    name: str
    value: float
    images: float | None
    """Real images that had been seen, or None if the record does not say it."""
    how: str
    """The protocol in one line, or an empty string if the number has none."""


@dataclass(frozen=True)
class Report:
    """Everything that is shown of runs which are not ranked."""

    runs: Mapping[str, Run]
    """The runs by the names under which they are shown, in the order in which they were given."""
    axis: Axis
    reason: str
    """One line on why there is no ranking, or an empty string if a single run was asked for."""
    differences: Mapping[str, Sequence[str]]
    """Keys of the configuration that the runs' recipes set differently, each with one value for every run."""
    common: Mapping[str, str]
    """Keys of the configuration that all recipes set to the same value."""

    def curves(self) -> dict[str, dict[str, Curve]]:
        """The curves by the name of the number, those of quality first, and then by the name of the run."""
        found: dict[str, dict[str, Curve]] = {}
        for name in self._curve_names():
            each = {label: curve for label, run in self.runs.items() if (curve := run.curve(name)) is not None}
            if each:
                found[name] = each
        return found

    def _curve_names(self) -> list[str]:
        known = dict.fromkeys(name for run in self.runs.values() for name in run.measured if name not in NOT_DRAWN)
        return sorted(known, key=lambda name: not any(run.measures_quality(name) for run in self.runs.values()))

    def numbers(self) -> list[Number]:
        """The last value of every metric that was measured during training, and all that ``evaluate.py`` measured."""
        return [number for label, run in self.runs.items() for number in _numbers(label, run)]


def report(runs: Sequence[Run], axis: Axis, reason: str = "") -> Report:
    """The report on some runs."""
    trained = [run for run in runs if run.config]
    recipes = recipes_of(trained)
    of_run = {run.folder: place for place, recipe in enumerate(recipes) for run in recipe.runs}
    labels = names(recipes)
    table = differences(recipes) if len(recipes) > 1 else {}
    named: dict[str, Run] = {}
    for run in runs:
        label = run.folder.name
        if len(runs) > 1 and run.folder in of_run:
            label = f"{labels[of_run[run.folder]]}, seed {run.seed}"
        named[_new(label, run, named)] = run
    return Report(
        runs=named,
        axis=axis,
        reason=reason,
        differences={
            key: [values[of_run[run.folder]] if run.folder in of_run else "" for run in runs]
            for key, values in table.items()
        },
        common=in_common(recipes) if recipes else {},
    )


def _new(label: str, run: Run, taken: Mapping[str, Run]) -> str:
    """The label, with the name of the run's folder and then a number if it is taken."""
    if label in taken:
        label = f"{label} ({run.folder.name})"
    first, count = label, 2
    while label in taken:
        label, count = f"{first} {count}", count + 1
    return label


def _numbers(label: str, run: Run) -> Iterator[Number]:
    measured = [(name, run.measured[name][-1]) for name in run.measured if run.measures_quality(name)]
    for name, record in [*measured, *((str(each.get("name")), each) for each in run.evaluations)]:
        value = record.get("value")
        if isinstance(value, (int, float)):
            images = record.get("images_seen", record.get("images"))  # as evaluate.py and as metrics.jsonl have it
            yield Number(label, name.removeprefix(QUALITY), value, images, _how(record.get("protocol")))


def _how(protocol: Mapping[str, object] | None) -> str:
    if not protocol:
        return ""
    try:
        return described(Protocol.from_dict(protocol))
    except (UserError, TypeError, ValueError):  # of another release, or damaged: the number is shown, and not compared
        return "measured in a way that this release does not know"
