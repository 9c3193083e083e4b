"""The report on runs that are not ranked, as text for the terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
import textwrap

from gan_lightning.compare.formatting import kimg, number, readable_time
from gan_lightning.compare.report.contents import Report
from gan_lightning.compare.text import aligned, escaped, printable
from gan_lightning.runs.cells import cell

SPENT = ("images", "iteration", "seconds")
"""Names of what a run has spent, which are columns of the CSV table."""


def report_terminal(report: Report, width: int) -> str:
    """A table of the runs, the measured numbers, and what differs between the runs."""
    parts = [textwrap.fill(report.reason, width)] if report.reason else []
    parts.append(aligned(_runs(report), width))
    if numbers := _numbers(report):
        parts.append(aligned(numbers, width))
    if report.differences:
        parts.append(aligned((("key", *report.runs), _differences(report)), width))
    return printable("\n\n".join(parts) + "\n")


def report_markdown(report: Report) -> str:
    """The same as tables in Markdown."""
    tables = [_runs(report), _numbers(report), (("key", *report.runs), _differences(report))]
    parts = [escaped(report.reason)] if report.reason else []
    for table in tables:
        if table is not None and table[1]:
            lines = [f"| {' | '.join(map(escaped, row))} |" for row in (table[0], *table[1])]
            lines.insert(1, f"|{' --- |' * len(table[0])}")
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def report_csv(report: Report) -> str:
    """CSV (RFC 4180) with a line for each run and a column for the last value of each of its curves."""
    curves = report.curves()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cell(head) for head in ("run", "folder", "status", "seed", *SPENT, *curves)])
    for label, run in report.runs.items():
        last = [each[label].values[-1] if label in each else None for each in curves.values()]
        spent = [run.spent()[name] for name in SPENT]
        writer.writerow([cell(each) for each in (label, run.folder.name, run.status, run.seed, *spent, *last)])
    return out.getvalue()


Table = tuple[tuple[str, ...], list[list[str]]]


def _runs(report: Report) -> Table:
    heads = ("run", "ended", "images", "iterations", "time", "reason")
    return heads, [
        [
            label,
            run.status,
            kimg(run.spent()["images"]),
            f"{run.spent()['iteration']:,}",
            readable_time(run.spent()["seconds"]),
            run.reason,
        ]
        for label, run in report.runs.items()
    ]


def _numbers(report: Report) -> Table | None:
    rows = [[each.run, each.name, number(each.value), each.how] for each in report.numbers()]
    return (("run", "metric", "value", "how it was measured"), rows) if rows else None


def _differences(report: Report) -> list[list[str]]:
    return [[key, *values] for key, values in report.differences.items()]
