"""Files of JSON lines, one object a line, that stay readable after a crash in the middle of a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gan_lightning.config.moved import protocol_up_to_date
from gan_lightning.errors import UserError


def append_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Append records to a file of JSON lines.

    Raises:
        UserError: If the file can't be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{json.dumps(record)}\n" for record in records))
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror}.") from error


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a file of JSON lines, with today's names and without lines that a crash cut short."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict) and isinstance(protocol := record.get("protocol"), dict):
            record["protocol"] = protocol_up_to_date(protocol)
        records.append(record)
    return records
