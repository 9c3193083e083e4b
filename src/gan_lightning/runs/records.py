"""Files of JSON lines, one object a line, that stay readable after a crash in the middle of a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_lightning.config.moved import protocol_up_to_date
from gan_lightning.errors import UserError

OF_TRAINING = ("iteration", "images", "seconds")
"""Numbers that every line of a ``metrics.jsonl`` has beside its name and value."""

OF_HEALTH = ("iteration", "images")
"""Numbers that every line of a ``health.jsonl`` has beside its name and value."""


def append_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Append records to a file of JSON lines, on a line of their own also after one that a crash cut short.

    Raises:
        UserError: If the file can't be written.
    """
    text = "".join(f"{json.dumps(record)}\n" for record in records)
    try:
        with path.open("ab+") as file:
            if end := file.tell():
                file.seek(end - 1)
                text = text if file.read() == b"\n" else f"\n{text}"
            file.write(text.encode())
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror}.") from error


def read_records(path: Path, numbers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The records of a file of JSON lines, without a line that a crash cut short.

    Args:
        path: The file.
        numbers: Names of the numbers that each record has, beside its name and value.

    Raises:
        UserError: If a line is something else than a record; the message names it.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(f"Can't read {path}: {error.strerror}.") from error
    found = (_record(line, numbers, f"{path}, line {number}") for number, line in enumerate(lines, 1))
    return [record for record in found if record is not None]


def _record(line: bytes, numbers: Sequence[str], place: str) -> dict[str, Any] | None:
    text = line.strip(b" \t\r\0")  # a power cut may leave zeros at the end
    if not text:
        return None
    try:
        record = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{place} is no UTF-8 text: restore the file, or delete the line.") from error
    except (ValueError, RecursionError) as error:
        if text.startswith(b"{") and not text.endswith(b"}"):  # cut short
            return None
        raise UserError(f"{place} is no JSON: restore the file, or delete the line.") from error
    wanted: dict[str, Any] = {"name": str, "value": (int, float), **dict.fromkeys(numbers, (int, float))}
    found = record if isinstance(record, dict) else {}
    if wrong := [key for key, kind in wanted.items() if not isinstance(found.get(key), kind)]:
        raise UserError(f"{place} is no record of a number: it has no {' and no '.join(wrong)}.")
    if isinstance(protocol := record.get("protocol"), dict):
        record["protocol"] = protocol_up_to_date(protocol)
    return dict(record)
