"""Files of JSON lines: what a crash cut short is left out, and what is no record is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gan_lightning.errors import UserError
from gan_lightning.runs.records import OF_TRAINING, append_lines, read_records

RECORD = {"v": 1, "iteration": 1, "images": 8, "seconds": 0.5, "name": "a", "value": 1.0}
LINE = json.dumps(RECORD).encode()


@pytest.mark.parametrize("end", [LINE[:20], LINE[:-1], b"\0" * 40, b"\n\n"], ids=["cut", "one byte", "zeros", "empty"])
def test_what_a_crash_cut_short_is_left_out(end: bytes, tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(LINE + b"\n" + end)
    assert read_records(file, OF_TRAINING) == [RECORD]


def test_what_follows_a_line_that_was_cut_short_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "evaluations.jsonl"
    file.write_bytes(LINE[:20])
    append_lines(file, [RECORD])
    append_lines(file, [RECORD])
    assert read_records(file) == [RECORD, RECORD]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'"text"', "no record of a number"),
        (b"[1, 2]", "no record of a number"),
        (b"{}", "no name and no value"),
        (b'{"name": "a", "value": "high", "iteration": 1, "images": 1, "seconds": 1}', "no value"),
        (b'{"name": "a", "value": 1}', "no iteration and no images and no seconds"),
        (b"hello", "no JSON"),
        (b'{"name": }', "no JSON"),
        (b'{"name": "\xff"}', "no UTF-8 text"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_another_line_is_named(line: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(LINE + b"\n" + line + b"\n" + LINE + b"\n")
    with pytest.raises(UserError, match=rf"metrics\.jsonl, line 2 is .*{says}"):
        read_records(file, OF_TRAINING)
