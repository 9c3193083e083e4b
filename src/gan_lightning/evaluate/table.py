"""The table on the screen: one row for each metric, one column for each generator that was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_lightning.quality import Number

ERROR = "_error"
OF_EVERY_CLASS = "/"


@dataclass(frozen=True)
class Column:
    """The numbers of one generator, or of one folder of images."""

    name: str
    numbers: Sequence[Number]
    facts: Mapping[str, Any]
    """Further entries of each record of the column's numbers."""


def table(columns: Mapping[str, Sequence[Number]]) -> str:
    """The table as text; each number has its standard error behind it if one was measured.

    Numbers of single classes are left out here, but are in the records.
    """
    values = {column: {number.name: number.value for number in numbers} for column, numbers in columns.items()}
    names = list(dict.fromkeys(name for column in values.values() for name in column))
    shown = [name for name in names if not name.endswith(ERROR) and OF_EVERY_CLASS not in name]
    rows = [["", *values], *([name, *(_cell(column, name) for column in values.values())] for name in shown)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cell(column: Mapping[str, float], name: str) -> str:
    if name not in column:
        return ""
    error = column.get(f"{name}{ERROR}")
    return f"{column[name]:.4g}" + ("" if error is None else f" ± {error:.2g}")
