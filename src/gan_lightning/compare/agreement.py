"""Checks that the numbers of all runs were measured alike before they are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gan_lightning.compare.curves import Better
from gan_lightning.compare.runs import QUALITY, Run
from gan_lightning.errors import UserError
from gan_lightning.runs.protocol import Protocol, require_same


def common_protocol(runs: Sequence[Run], metric: str) -> Protocol | None:
    """The protocol by which all these numbers were measured, or None if none has one (the toy data's have none).

    Raises:
        UserError: If two numbers were measured differently; the message names both runs and what differs.
    """
    first, ours = runs[0], runs[0].measured[metric][0].get("protocol")
    for run in runs:
        for theirs in _distinct([record.get("protocol") for record in run.measured[metric]]):
            try:
                _require_same(ours, theirs)
            except UserError as error:
                raise UserError(f"{QUALITY}{metric} of {first.folder} and of {run.folder}: {error}") from error
    return None if ours is None else Protocol.from_dict(ours)


def _require_same(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> None:
    if ours is None and theirs is None:
        return
    if ours is None or theirs is None:
        raise UserError("only one of these numbers says how it was measured. Measure both in the same way.")
    require_same(Protocol.from_dict(ours), Protocol.from_dict(theirs))


def _distinct(values: Sequence[Any]) -> list[Any]:
    return [value for i, value in enumerate(values) if value not in values[:i]]


def common_direction(runs: Sequence[Run], metric: str) -> Better:
    """The direction in which the metric improves, read from the records of all runs.

    Raises:
        UserError: If no record states the direction, or if two records contradict each other.
    """
    ways = {record.get("better") for run in runs for record in run.measured[metric]} - {None}
    if len(ways) != 1:
        raise UserError(f"The records do not say which way {metric} improves: add better=lower or better=higher.")
    return "lower" if ways == {"lower"} else "higher"
