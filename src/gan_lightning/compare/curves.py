"""One number of a run over the images that it has seen, and what it comes to at a budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Axis = Literal["images", "seconds"]
Better = Literal["lower", "higher"]
At = Literal["best", "final"]


@dataclass(frozen=True)
class Curve:
    """Measurements in the order in which they were made; there is at least one."""

    images: tuple[float, ...]
    seconds: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Curve | None:
        """From records of ``metrics.jsonl`` of one name; None where none of them has a finite value."""
        finite = [record for record in records if math.isfinite(record["value"])]
        if not finite:
            return None
        images, seconds, values = (tuple(float(each[key]) for each in finite) for key in ("images", "seconds", "value"))
        return cls(images, seconds, values)

    def along(self, axis: Axis) -> tuple[float, ...]:
        """Where the measurements lie."""
        return self.images if axis == "images" else self.seconds

    def at(self, which: At, better: Better) -> float:
        """The best value, or the last."""
        if which == "final":
            return self.values[-1]
        return min(self.values) if better == "lower" else max(self.values)

    def within(self, axis: Axis, budget: float) -> Curve | None:
        """What was known when the budget was spent; None where the first measurement came later.

        Runs are seldom measured at exactly the same point, so the last value is that on the straight line between the
        measurements before and after the budget.
        """
        along = self.along(axis)
        kept = sum(place <= budget for place in along)
        if not kept:
            return None
        cut = Curve(self.images[:kept], self.seconds[:kept], self.values[:kept])
        if kept == len(along) or along[kept - 1] == budget:
            return cut
        between = [float(np.interp(budget, along, track)) for track in (self.images, self.seconds, self.values)]
        return Curve(
            *((*track, last) for track, last in zip((cut.images, cut.seconds, cut.values), between, strict=True))
        )


@dataclass(frozen=True)
class Band:
    """A mean over runs, and the lowest and highest of them."""

    places: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def band_of(curves: Sequence[Curve], axis: Axis) -> Band:
    """Where all runs have been measured, at every point at which one of them was."""
    places = sorted({place for curve in curves for place in curve.along(axis)})
    first, last = max(curve.along(axis)[0] for curve in curves), min(curve.along(axis)[-1] for curve in curves)
    shared = [place for place in places if first <= place <= last]
    table = np.array([np.interp(shared, curve.along(axis), curve.values) for curve in curves])
    mean, low, high = (tuple(map(float, row)) for row in (table.mean(0), table.min(0), table.max(0)))
    return Band(tuple(shared), mean, low, high)
