"""The verb ``compare.py``: which recipe is better, and how sure that is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from gan_lightning.compare.comparison import Comparison, compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.csv_table import csv_table
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.runs import QUALITY, read_run
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
WIDEST = 160
"""Largest width of a table in the terminal, in characters."""


@dataclass(frozen=True)
class Compare:
    """Compare runs and sweeps: one row a recipe, over its seeds."""

    runs: Annotated[tuple[str, ...], "run folders, sweep folders, or patterns such as 'runs/sweeps/*/*hinge*'"]
    metric: Annotated[str, "averaged/ or raw/ and a metric of callbacks=quality, or any other curve"] = "averaged/fid"
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
    wish = Wish(options.metric.removeprefix(QUALITY), options.at, options.budget, options.better, options.unfinished)
    comparison = compare([read_run(folder) for folder in find_runs(options.runs)], wish)
    text = WRITERS[kind](comparison)
    output = options.output or FILES.get(kind)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        write_whole(Path(output), text)
    except OSError as error:
        raise UserError(f"Can't write output={output}: {error.strerror}.") from error
    print(f"written: {Path(output)}")


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
FILES: Mapping[str, str] = {"html": PAGE}
"""Formats that are no text for a terminal, each with the file that it is written to if ``output=`` names none."""
