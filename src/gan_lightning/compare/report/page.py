"""The report on runs that are not ranked, as one HTML page that needs no network and no other file."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from gan_lightning.compare.formatting import kimg, readable_time
from gan_lightning.compare.page.chart import Chart, chart_of
from gan_lightning.compare.page.html import COLOURS, environment, inlined
from gan_lightning.compare.page.origins import origins_of
from gan_lightning.compare.page.strips import strips_of
from gan_lightning.compare.report.contents import Report

MOMENTS = 24
"""Largest number of moments of training between which the slider chooses."""
SIZE = (360, 240)
"""Width and height of each chart in pixels: as wide as a phone, so that no letter shrinks."""
POINTS = 200
"""Largest number of measurements of a curve that are drawn."""


def report_page(report: Report) -> str:
    """The whole page as HTML; the template decides what is on it."""
    pictures = strips_of(report.runs, MOMENTS, whole=True)
    first = next(iter(report.runs.values()))
    single = len(report.runs) == 1
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            r=report,
            title=first.folder.name if single else f"{len(report.runs)} runs side by side",
            lead=_lead(report),
            samples=pictures,
            moments=max((len(strip.pictures) for strip in pictures.strips), default=0),
            numbers=report.numbers(),
            charts=_charts(report),
            illnesses=[(label, found) for label, run in report.runs.items() for found in run.illnesses],
            typed=" ".join(shlex.quote(f"{key}={value}") for key, value in first.overrides.items()),
            origins=origins_of(list(report.runs.values())),
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            colours=COLOURS,
            **inlined(),
        )
    )


def _lead(report: Report) -> str:
    """A sentence on how far the runs have come."""
    if len(report.runs) > 1:
        return f"{len(report.runs)} runs with their pictures, curves and differences, in no order of quality."
    (run,) = report.runs.values()
    spent = run.spent()
    ended = f"{run.status}: {run.reason}" if run.reason else run.status
    seed = "" if run.seed is None else f", seed {run.seed}"
    far = f"{kimg(spent['images'])} in {spent['iteration']:,} iterations and {readable_time(spent['seconds'])}"
    return f"{far}{seed}; {ended}."


def _charts(report: Report) -> list[Chart]:
    places = {label: place for place, label in enumerate(report.runs)}
    found = []
    for name, curves in report.curves().items():
        drawn = chart_of({label: [curve.thinned(POINTS)] for label, curve in curves.items()}, report.axis, name, *SIZE)
        found.append(drawn.coloured([places[label] for label in curves]))
    return found
