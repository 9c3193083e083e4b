"""The objectives of a search: the quality of a run's best checkpoint and the cost of the run, but never a loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gan_lightning.errors import UserError
from gan_lightning.quality import Evaluator
from gan_lightning.quality.subject import without_suffix
from gan_lightning.runs.protocol import Protocol

COSTS = ("seconds", "images", "iteration", "d_updates", "g_updates")
"""Numbers of a run's summary that can be objectives; less is better."""
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {"lower": "minimize", "higher": "maximize"}
"""Optuna's words for the two directions in which a number improves."""


@dataclass(frozen=True)
class Objective:
    """A number that the search improves."""

    name: str
    """Name of the number: ``averaged/fid`` or another number of quality, or one of :data:`COSTS`."""
    better: str
    """Direction in which the number improves: ``lower`` or ``higher``."""

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """The direction in Optuna's words."""
        return DIRECTIONS[self.better]

    @property
    def measured(self) -> bool:
        """Whether the number is one of quality, which is measured by a protocol, and not a cost."""
        return self.name not in COSTS


@dataclass(frozen=True)
class Measured:
    """The objectives of a finished run."""

    values: list[float]
    """One value for each objective."""
    protocols: dict[str, Protocol]
    """Protocols of the objectives that are numbers of quality, by name."""


def objectives(names: Sequence[str], evaluator: Evaluator) -> list[Objective]:
    """The objectives with these names; the evaluator knows in which direction its numbers improve.

    Raises:
        UserError: If there is no such number, if it is a loss, if one is named twice, or if the first is a cost.
    """
    better = {f"{weights}/{name}": way for name, way in evaluator.better().items() for weights in ("averaged", "raw")}
    better |= dict.fromkeys(COSTS, "lower")
    for name in names:
        if "loss" in name:
            raise UserError(f"hydra.sweeper.objective={name}: losses of different recipes can't be compared.")
        if without_suffix(name) not in better:
            raise UserError(f"hydra.sweeper.objective={name}: choose from {', '.join(better)}.")
    if len(set(names)) != len(names) or not names or names[0] in COSTS:
        raise UserError(
            f"hydra.sweeper.objective=[{','.join(names)}]: begin with a number of quality, such as averaged/fid, and "
            "name each once."
        )
    return [Objective(name, better[without_suffix(name)]) for name in names]


def metrics_for(wanted: Sequence[Objective], evaluator: Evaluator) -> list[str]:
    """The evaluator's metrics that give these numbers."""
    numbers = (without_suffix(objective.name.partition("/")[2]) for objective in wanted if objective.measured)
    needed = set(map(evaluator.name_of, numbers))
    return [name for name in (*evaluator.metrics, *evaluator.translated) if name in needed]


def read_values(
    wanted: Sequence[Objective], summary: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> Measured:
    """The values of a finished run, all measured on the generator that ``checkpoints/best.ckpt`` holds.

    Args:
        wanted: The objectives.
        summary: The run's summary.
        records: The lines of the run's ``metrics.jsonl``.

    Raises:
        UserError: If a number is missing or not finite; the trial has failed then.
    """
    iteration = ((summary.get("quality") or {}).get("best") or {}).get("iteration")
    at_best = {record["name"]: record for record in records if record["iteration"] == iteration}
    values, protocols = [], {}
    for objective in wanted:
        record = at_best.get(f"quality/{objective.name}", {}) if objective.measured else {}
        value = record.get("value") if objective.measured else summary.get(objective.name)
        if value is None or not math.isfinite(value):
            raise UserError(f"{objective.name} is {'not measured' if value is None else value}.")
        if objective.measured:
            protocols[objective.name] = Protocol.from_dict(record["protocol"])
        values.append(float(value))
    return Measured(values, protocols)
