"""Cells of a CSV file are shown as text and start no program."""

from __future__ import annotations

from typing import Any

import pytest

from gan_lightning.runs.cells import cell


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("hinge", "hinge"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("a\x1b[31mb\nc", "a [31mb c"),
        ("", ""),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_cells(value: Any, shown: Any) -> None:
    assert cell(value) == shown
