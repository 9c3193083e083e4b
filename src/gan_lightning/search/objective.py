"""What a search improves: the quality of a run's best checkpoint, and what the run cost; never a loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gan_lightning.errors import UserError
from gan_lightning.quality import Evaluator
from gan_lightning.runs.protocol import Protocol

COSTS = ("seconds", "images", "iteration", "d_updates", "g_updates")
"""Numbers of a run's summary of which less is better."""
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {"lower": "minimize", "higher": "maximize"}


@dataclass(frozen=True)
class Objective:
    """One number to improve."""

    name: str
    """``averaged/fid`` or another number of quality, or one of :data:`COSTS`."""
    better: str
    """lower or higher."""

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """In Optuna's words."""
        return DIRECTIONS[self.better]

    @property
    def measured(self) -> bool:
        """Whether it is a number of quality, which has a protocol."""
        return self.name not in COSTS


@dataclass(frozen=True)
class Measured:
    """What a run came to."""

    values: list[float]
    """One for each objective."""
    protocols: dict[str, Protocol]
    """Of those that are numbers of quality."""


def objectives(names: Sequence[str], evaluator: Evaluator) -> list[Objective]:
    """The objectives of these names; the metrics know which way they improve.

    Raises:
        UserError: There is no such number, or it says nothing about the generator.
    """
    better = {f"{weights}/{name}": way for name, way in evaluator.better().items() for weights in ("averaged", "raw")}
    better |= dict.fromkeys(COSTS, "lower")
    for name in names:
        if "loss" in name:
            raise UserError(f"hydra.sweeper.objective={name}: losses of different recipes can't be compared.")
        if name not in better:
            raise UserError(f"hydra.sweeper.objective={name}: choose from {', '.join(better)}.")
    if len(set(names)) != len(names) or not names or names[0] in COSTS:
        raise UserError(
            f"hydra.sweeper.objective=[{','.join(names)}]: begin with a number of quality, such as averaged/fid, and "
            "name each once."
        )
    return [Objective(name, better[name]) for name in names]


def measures(wanted: Sequence[Objective], evaluator: Evaluator) -> list[str]:
    """The evaluator's measures that give these numbers."""
    names = {objective.name.partition("/")[2] for objective in wanted if objective.measured}
    return [name for name, measure in evaluator.measures.items() if names & measure.better.keys()]


def read_values(
    wanted: Sequence[Objective], summary: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> Measured:
    """The objectives of a finished run: all of one generator, the one that ``checkpoints/best.ckpt`` holds.

    Args:
        wanted: The objectives.
        summary: Of the run.
        records: Its ``metrics.jsonl``.

    Raises:
        UserError: A number is missing or not finite, so the trial failed.
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
