"""Cells of a CSV file that a spreadsheet shows as the text that they are."""

from __future__ import annotations

from typing import Any

FORMULAS = "=+-@\t\r"
"""First characters of a cell that a spreadsheet takes for a formula, which may run programs and send what it reads."""


def cell(value: Any) -> Any:
    """A value for a CSV file: a text loses what can't be printed, and an apostrophe keeps it from being a formula."""
    if not isinstance(value, str):
        return value
    text = "".join(letter if letter.isprintable() else " " for letter in value)
    return f"'{text}" if value[:1] and value[0] in FORMULAS else text
