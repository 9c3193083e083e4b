"""Computes the places of all lines and labels in a chart of curves; the page's template draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gan_lightning.compare.comparison import Comparison
from gan_lightning.compare.curves import Axis, Band, Better, Curve, band_of
from gan_lightning.compare.formatting import amount, number

LEFT, RIGHT, TOP, BOTTOM = 58, 14, 28, 40
"""Pixels between the plot and each edge of the drawing."""
RATIO_FOR_LOGARITHM = 5.0
"""Ratio of the highest to the lowest value above which the axis is logarithmic.

Beyond it, a linear axis would show the beginning of training and nothing else.
"""

Scale = Callable[[float], float]
"""A function from a value to its place in pixels."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its place in pixels and its text."""

    place: float
    text: str


@dataclass(frozen=True)
class Line:
    """The curve of one recipe."""

    colour: int
    name: str
    mean: str
    """The SVG path of the mean over seeds."""
    area: str
    """The closed SVG path of the band from the lowest to the highest seed."""
    dots: list[tuple[float, float]]
    """The places at which the mean has a value."""


@dataclass(frozen=True)
class Reading:
    """The values of all recipes at one place, which the page shows if the reader points there."""

    x: float
    label: str
    values: list[tuple[int, str, str]]
    """Colour, name and value of every recipe whose curve covers this place, the best first."""


@dataclass(frozen=True)
class Chart:
    """A drawing of ``width`` x ``height`` pixels."""

    width: int
    height: int
    x_title: str
    y_title: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    budget: float | None
    """The place of the common budget on the x axis, in pixels, or None if there is none."""
    readings: list[Reading]
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM

    def coloured(self, colours: Sequence[int]) -> Chart:
        """The chart with another colour for each line, so that a run has the same colour in all charts of a page."""
        lines = [replace(line, colour=colours[line.colour]) for line in self.lines]
        readings = [
            replace(reading, values=[(colours[colour], name, text) for colour, name, text in reading.values])
            for reading in self.readings
        ]
        return replace(self, lines=lines, readings=readings)


def chart(comparison: Comparison, width: int, height: int) -> Chart:
    """The chart of the curves of all recipes; a recipe's colour is its place in the ranking."""
    curves = {row.name: row.curves for row in comparison.rows}
    wish = comparison.wish
    return chart_of(curves, wish.axis, wish.metric, width, height, comparison.better, comparison.budget)


def chart_of(
    curves: Mapping[str, Sequence[Curve]],
    axis: Axis,
    title: str,
    width: int,
    height: int,
    better: Better | None = None,
    budget: float | None = None,
) -> Chart:
    """A chart with one line for each name.

    Args:
        curves: The curves of each name, at least one, over which the mean is taken; their order gives the colours.
        axis: Quantity over which the curves are drawn: images or seconds.
        title: Title of the vertical axis.
        width: Width in pixels.
        height: Height in pixels.
        better: Direction in which the number improves, by which readings are ordered; None: the order of the names.
        budget: Place on the axis that is marked, or None for none.
    """
    bands = [band_of(each, axis) for each in curves.values()]
    last = max(each.places[-1] for each in bands)
    lowest, highest = min(min(each.low) for each in bands), max(max(each.high) for each in bands)
    logarithmic = lowest > 0 and highest > RATIO_FOR_LOGARITHM * lowest
    bottom, top = _with_air(lowest, highest, logarithmic)
    x = _scale(0.0, last, LEFT, width - RIGHT, logarithmic=False)
    y = _scale(bottom, top, height - BOTTOM, TOP, logarithmic)
    unit = "thousand images" if axis == "images" else "seconds of training"
    by = 1000 if axis == "images" else 1
    values = _logarithmic_ticks(bottom, top) if logarithmic else _ticks(bottom, top, 5)
    return Chart(
        width=width,
        height=height,
        x_title=unit,
        y_title=title + (" (logarithmic)" if logarithmic else ""),
        x_ticks=[Tick(x(place * by), f"{place:g}") for place in _ticks(0.0, last / by, max(3, width // 110))],
        y_ticks=[Tick(y(value), f"{value:,g}") for value in values],
        lines=[_line(i, name, each, x, y) for i, (name, each) in enumerate(zip(curves, bands, strict=True))],
        budget=None if budget is None else x(budget),
        readings=list(_readings(curves, bands, axis, better, x)),
    )


def _line(colour: int, name: str, band: Band, x: Scale, y: Scale) -> Line:
    mean = [(x(place), y(value)) for place, value in zip(band.places, band.mean, strict=True)]
    low = [(x(place), y(value)) for place, value in zip(band.places, band.low, strict=True)]
    high = [(x(place), y(value)) for place, value in zip(band.places, band.high, strict=True)]
    return Line(colour, name, _path(mean), f"{_path(low + high[::-1])}Z", [_rounded(point) for point in mean])


def _readings(
    curves: Mapping[str, Sequence[Curve]], bands: Sequence[Band], axis: Axis, better: Better | None, x: Scale
) -> Iterator[Reading]:
    sign = {"lower": 1, "higher": -1, None: 0}[better]
    for place in sorted({place for band in bands for place in band.places}):
        values = []
        for colour, ((name, each), band) in enumerate(zip(curves.items(), bands, strict=True)):
            if band.places[0] <= place <= band.places[-1]:
                mean, low, high = (float(np.interp(place, band.places, t)) for t in (band.mean, band.low, band.high))
                extent = f" ({number(low)} to {number(high)})" if len(each) > 1 else ""
                values.append((mean, (colour, name, f"{number(mean)}{extent}")))
        ordered = [shown for _, shown in sorted(values, key=lambda value: sign * value[0])]
        yield Reading(round(x(place), 1), amount(place, axis), ordered)


def _scale(low: float, high: float, start: float, end: float, logarithmic: bool) -> Scale:
    def measure(value: float) -> float:
        return math.log(value) if logarithmic else value

    span = (measure(high) - measure(low)) or 1.0
    return lambda value: start + (end - start) * (measure(value) - measure(low)) / span


def _with_air(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    """The ends of an axis that leaves a little room below ``low`` and above ``high``."""
    if logarithmic:
        air = (high / low) ** 0.04
        return low / air, high * air
    air = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - air, high + air


def _ticks(low: float, high: float, about: int) -> list[float]:
    """About as many round numbers as asked for, evenly spaced from ``low`` to ``high``."""
    rough = (high - low) / about or 1.0
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """The numbers 1, 2 and 5 times a power of ten that lie between ``low`` and ``high``."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    return [mark for mark in marks if low <= mark <= high]


def _path(points: Sequence[tuple[float, float]]) -> str:
    rounded = [_rounded(point) for point in points]
    start = f"M{rounded[0][0]},{rounded[0][1]}"
    return start + "".join(f"L{x},{y}" for previous, (x, y) in pairwise(rounded) if previous != (x, y))


def _rounded(point: tuple[float, float]) -> tuple[float, float]:
    return round(point[0], 1), round(point[1], 1)
