"""The curve of one metric of a run over images or seconds, and its value at a budget."""

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
    """The measurements of one metric in one run, at least one, in the order in which they were made."""

    images: tuple[float, ...]
    seconds: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Curve | None:
        """The curve of those ``metrics.jsonl`` records, all of one name, or None if none of them has a finite value."""
        finite = [record for record in records if math.isfinite(record["value"])]
        if not finite:
            return None
        images, seconds, values = (tuple(float(each[key]) for each in finite) for key in ("images", "seconds", "value"))
        return cls(images, seconds, values)

    def along(self, axis: Axis) -> tuple[float, ...]:
        """The positions of the measurements on the given axis."""
        return self.images if axis == "images" else self.seconds

    def thinned(self, most: int) -> Curve:
        """The curve with at most so many measurements, evenly spaced and with the first and the last among them."""
        if len(self.values) <= most:
            return self
        kept = [round(i * (len(self.values) - 1) / (most - 1)) for i in range(most)]
        return Curve(*(tuple(track[i] for i in kept) for track in (self.images, self.seconds, self.values)))

    def at(self, which: At, better: Better) -> float:
        """The best value of the curve, or its last."""
        if which == "final":
            return self.values[-1]
        return min(self.values) if better == "lower" else max(self.values)

    def within(self, axis: Axis, budget: float) -> Curve | None:
        """The part of the curve up to the budget, or None if the first measurement came later.

        Runs are seldom measured at exactly the same point, so the last value is interpolated on the straight line
        between the measurements before and after the budget.
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
    """The mean of several curves at each place, with the lowest and the highest of them."""

    places: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def band_of(curves: Sequence[Curve], axis: Axis) -> Band:
    """The mean, lowest and highest of the curves, over the stretch that all of them cover.

    It has a value at every place at which one of the curves was measured; the others are interpolated there.
    """
    places = sorted({place for curve in curves for place in curve.along(axis)})
    first, last = max(curve.along(axis)[0] for curve in curves), min(curve.along(axis)[-1] for curve in curves)
    shared = [place for place in places if first <= place <= last]
    table = np.array([np.interp(shared, curve.along(axis), curve.values) for curve in curves])
    mean, low, high = (tuple(map(float, row)) for row in (table.mean(0), table.min(0), table.max(0)))
    return Band(tuple(shared), mean, low, high)
