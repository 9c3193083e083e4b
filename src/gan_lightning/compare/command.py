"""The verb ``compare.py``: which recipe is better and how sure that is, or a report on runs that can't be ranked."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from gan_lightning.compare.comparison import Comparison, compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.csv_table import csv_table
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.report.contents import Report, report
from gan_lightning.compare.report.text import report_csv, report_markdown, report_terminal
from gan_lightning.compare.runs import QUALITY, Run, read_run
from gan_lightning.compare.text import markdown, terminal
from gan_lightning.config.options import read_options
from gan_lightning.errors import UserError
from gan_lightning.runs.whole_files import write_whole
from gan_lightning.terminal import mistakes_in_one_line, patient_output

PROGRAM = "compare.py"
PAGE = "compare.html"
"""File to which a page is written if ``output=`` does not name one."""
FORMATS = {".html": "html", ".htm": "html", ".csv": "csv", ".md": "markdown", ".txt": "table", "": "table"}
"""Formats by the ending of the output file's name."""
USUAL = "averaged/fid"
"""Metric by which recipes are ranked if ``metric=`` names none."""
WIDEST = 160
"""Largest width of a table in the terminal, in characters."""


@dataclass(frozen=True)
class Compare:
    """Compare runs and sweeps: one row a recipe, over its seeds. On a single run, html is that run's report."""

    runs: Annotated[tuple[str, ...], "run folders, sweep folders, or patterns such as 'runs/sweeps/*/*hinge*'"]
    metric: Annotated[str, "averaged/ or raw/ and a metric of callbacks=quality, or any other curve"] = USUAL
    tags: Annotated[list[str], "only runs that have all of these tags"] = field(default_factory=list)
    at: Annotated[Literal["best", "final"], "the best measurement of a run, or its last"] = "best"
    budget: Annotated[Literal["images", "seconds"], "recipes are ranked where all have spent the same of it"] = "images"
    better: Annotated[Literal["lower", "higher"] | None, "null: as the records say"] = None
    unfinished: Annotated[bool, "also count interrupted and still running runs, as far as they have come"] = False
    format: Annotated[
        Literal["table", "csv", "markdown", "html"] | None, "null: by the ending of output, else table"
    ] = None
    output: Annotated[str | None, f"a file; null: the terminal, and {PAGE} for html"] = None


def main() -> None:
    """Entry point of ``compare.py`` and ``gan-compare``."""
    with patient_output(), mistakes_in_one_line():
        run(read_options(Compare, PROGRAM, sys.argv[1:]))


def run(options: Compare) -> None:
    """Read the runs, compare them, and print or write the result.

    Raises:
        UserError: If there is nothing to compare, or if the file can't be written.
    """
    ending = Path(options.output or "").suffix.lower()
    if (kind := options.format or FORMATS.get(ending)) is None:
        raise UserError(f"output={options.output}: say what {ending} is to be, format=table, csv, markdown or html.")
    runs = tagged([read_run(folder) for folder in find_runs(options.runs)], options.tags)
    reason = unranked(runs, options.metric)
    if reason or (len(runs) == 1 and kind in FILES):  # a page on one run is its report
        text = REPORTS[kind](report(runs, options.budget, reason))
    else:
        metric = options.metric.removeprefix(QUALITY)
        wish = Wish(metric, options.at, options.budget, options.better, options.unfinished)
        text = WRITERS[kind](compare(runs, wish))
    output = options.output or FILES.get(kind)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        write_whole(Path(output), text)
    except OSError as error:
        raise UserError(f"Can't write output={output}: {error.strerror}.") from error
    print(f"written: {Path(output)}")


def tagged(runs: Sequence[Run], tags: Sequence[str]) -> list[Run]:
    """The runs that have all of the tags.

    Raises:
        UserError: If none has.
    """
    found = [run for run in runs if set(map(str, tags)) <= set(run.tags)]
    if not found:
        known = sorted({tag for run in runs for tag in run.tags})
        raise UserError(
            f"tags=[{','.join(map(str, tags))}]: none of {len(runs)} run(s) has them all; there is "
            f"{', '.join(known) or 'no tag'}."
        )
    return found


def unranked(runs: Sequence[Run], metric: str) -> str:
    """One line on why these runs can't be ranked, or an empty string if they can or another metric was asked for."""
    measured = any(run.measures_quality(name) for run in runs for name in run.measured)
    if metric != USUAL or measured or not any(run.config for run in runs):
        return ""
    how = "callbacks=quality measures it, and metric= ranks by any other curve"
    if len(runs) == 1:
        return f"No quality was measured during training: {how}."
    return f"Not ranked, because no quality was measured in {len(runs)} runs: {how}."


def _table(comparison: Comparison) -> str:
    return terminal(comparison, min(WIDEST, shutil.get_terminal_size().columns))


def _page(comparison: Comparison) -> str:
    from gan_lightning.compare.page.html import page  # here because it imports Pillow and Jinja, needed by nothing else

    return page(comparison)


WRITERS: Mapping[str, Callable[[Comparison], str]] = {
    "table": _table,
    "csv": csv_table,
    "markdown": markdown,
    "html": _page,
}


def _report_table(shown: Report) -> str:
    return report_terminal(shown, min(WIDEST, shutil.get_terminal_size().columns))


def _report_page(shown: Report) -> str:
    from gan_lightning.compare.report.page import report_page  # here for the same reason

    return report_page(shown)


REPORTS: Mapping[str, Callable[[Report], str]] = {
    "table": _report_table,
    "csv": report_csv,
    "markdown": report_markdown,
    "html": _report_page,
}
FILES: Mapping[str, str] = {"html": PAGE}
"""Formats that are no text for a terminal, each with the file that it is written to if ``output=`` names none."""
