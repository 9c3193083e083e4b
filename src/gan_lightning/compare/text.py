"""The comparison as text for the terminal, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from gan_lightning.compare.comparison import Comparison
from gan_lightning.compare.formatting import amount, described, kimg, readable_memory, readable_time, with_spread
from gan_lightning.compare.rows import Row

GAP = 2
"""Spaces between two columns."""
NARROWEST_NAME = 16
"""Characters that the column of recipes keeps in a narrow terminal."""
Table = tuple[Sequence[str], list[list[str]]]
"""The heads of the columns, and the rows of cells."""


def terminal(comparison: Comparison, width: int) -> str:
    """The comparison as two tables, because one would be wider than a terminal; names that are too long are wrapped.

    Characters that can't be printed are shown as "?", because a name in a run folder must not be able to send control
    codes to the reader's terminal.
    """
    parts = [_heading(comparison), aligned(_order(comparison), width), aligned(_spent(comparison), width)]
    for caution in comparison.cautions:
        parts.append(textwrap.fill(f"! {caution}", width, subsequent_indent="  "))
    if comparison.left_out:
        lines = ["Not in the numbers:"]
        for each in comparison.left_out:
            line = f"{each.label} ({each.run.status}): {each.reason}"
            lines.append(textwrap.fill(line, width, initial_indent="  ", subsequent_indent="    "))
        parts.append("\n".join(lines))
    if any(row.standing for row in comparison.rows):
        parts.append(textwrap.fill(CONFIDENCE, width))
    return printable("\n\n".join(parts) + "\n")


def printable(text: str) -> str:
    """The text with a "?" for each character that could control a terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def markdown(comparison: Comparison) -> str:
    """The comparison as one Markdown table, with the warnings and the runs that were left out below it."""
    heads, cells = _order(comparison)
    more, further = _spent(comparison)
    table = [[*heads, *more[1:]], *([*a, *b[1:]] for a, b in zip(cells, further, strict=True))]
    lines = [f"| {' | '.join(map(escaped, row))} |" for row in table]
    lines.insert(1, f"|{' --- |' * len(table[0])}")
    parts = [_heading(comparison), "\n".join(lines)]
    parts += [f"> {escaped(caution)}" for caution in comparison.cautions]
    if comparison.left_out:
        left = [f"- {escaped(f'{e.label} ({e.run.status}): {e.reason}')}" for e in comparison.left_out]
        parts.append("\n".join(["Not in the numbers:", "", *left]))
    return "\n\n".join(parts) + "\n"


CONFIDENCE = (
    "± is the standard deviation over seeds. P(best) and the 95% interval of the rank, among recipes with several "
    "seeds, come from drawing the seeds anew (bootstrap); with fewer than five seeds they are too sure of themselves."
)


def _heading(comparison: Comparison) -> str:
    runs = sum(len(row.runs) for row in comparison.rows)
    lines = [f"{headline(comparison)}; {len(comparison.rows)} recipe(s), {runs} run(s)"]
    if comparison.protocol is not None:
        lines.append(described(comparison.protocol))
    return "\n".join(lines)


def headline(comparison: Comparison) -> str:
    """The metric, the direction in which it improves, and the budget at which it is read."""
    wish = comparison.wish
    return f"{wish.metric} ({comparison.better} is better), {wish.at} {fair_head(comparison)}"


def fair_head(comparison: Comparison) -> str:
    """The budget that all recipes have reached, in words: ``within 16.1 kimg`` or ``at 16.1 kimg``."""
    preposition = "within" if comparison.wish.at == "best" else "at"
    return f"{preposition} {amount(comparison.budget, comparison.wish.axis)}"


def _order(comparison: Comparison) -> Table:
    heads = ("#", "recipe", fair_head(comparison), "seeds", "P(best)", "rank")
    cells = [
        [
            str(place),
            row.name,
            with_spread(row.fair.mean, row.fair.deviation),
            str(len(row.runs)),
            probability(row),
            ranks(row),
        ]
        for place, row in enumerate(comparison.rows, 1)
    ]
    return heads, cells


def _spent(comparison: Comparison) -> Table:
    heads: tuple[str, ...] = ("#", "best", "final", "images", "D updates", "G updates", "time")
    cells = [
        [
            str(place),
            with_spread(row.best.mean, row.best.deviation),
            with_spread(row.final.mean, row.final.deviation),
            kimg(row.spent("images")),
            f"{row.spent('d_updates'):,.0f}",
            f"{row.spent('g_updates'):,.0f}",
            readable_time(row.spent("seconds")),
        ]
        for place, row in enumerate(comparison.rows, 1)
    ]
    held = [row.peak_memory() for row in comparison.rows]
    if any(held):  # runs of earlier releases have not noted it
        heads = (*heads, "memory")
        cells = [[*each, readable_memory(most)] for each, most in zip(cells, held, strict=True)]
    return heads, cells


def probability(row: Row) -> str:
    """The probability that the recipe is the best, as a percentage, or an empty string if it has no standing."""
    return "" if row.standing is None else f"{row.standing.best:.0%}"


def ranks(row: Row) -> str:
    """The 95% interval of the recipe's rank, or an empty string if it has no standing."""
    if row.standing is None:
        return ""
    low, high = row.standing.ranks
    return f"{low}" if low == high else f"{low} to {high}"


def aligned(table: Table, width: int) -> str:
    """The table with aligned columns; the column of names or of prose gets the width that the others leave."""
    heads, cells = table
    lines = [list(heads), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    if wide := [name for name in ("recipe", "how it was measured", "reason") if name in heads]:
        name = heads.index(wide[0])
        others = sum(widths) - widths[name] + GAP * (len(widths) - 1)
        widths[name] = min(widths[name], max(NARROWEST_NAME, width - others))
    return "\n".join(line for row in lines for line in _wrapped(row, widths))


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = [textwrap.wrap(cell, wide) or [""] for cell, wide in zip(row, widths, strict=True)]
    deep = max(map(len, columns))
    padded = [column + [""] * (deep - len(column)) for column in columns]
    return [
        (" " * GAP).join(cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)).rstrip()
        for line in zip(*padded, strict=True)
    ]


def escaped(cell: str) -> str:
    """The text for a cell of a Markdown table, escaped so that nothing in a name acts as markup."""
    safe = cell.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    for sign in "\\|`*_[]":
        safe = safe.replace(sign, f"\\{sign}")
    return safe
