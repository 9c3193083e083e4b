"""Reads from a run folder how a generator was trained and how good it is, without what is private to a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.protocol import NEED_NOT_AGREE

PRIVATE = ("data_dir", "root", "folder", "init_from")
"""Options that say where files lie on one machine, and that are left out of a model card."""
ERROR = "_error"
"""Ending of the name of a number that is the standard error of another."""


def described(node: Any) -> str:
    """A node of the configuration as a call in Python: ``Adam(lr=0.0002, betas=[0.5, 0.999])``."""
    if isinstance(node, Mapping):
        shown = {key: value for key, value in node.items() if not key.startswith("_") and key not in PRIVATE}
        values = ", ".join(f"{key}={described(value)}" for key, value in shown.items() if value not in (None, {}, []))
        return f"{str(node['_target_']).rsplit('.', 1)[-1]}({values})" if "_target_" in node else values
    if isinstance(node, (list, tuple)):
        return f"[{', '.join(map(described, node))}]"
    return node if isinstance(node, str) else json.dumps(node)


def parts_in_words(config: Mapping[str, Any]) -> dict[str, str]:
    """Every part of the game, and the data, as text, by name."""
    parts = {**config["model"], "data": config["data"]}
    parts = {name: part for name, part in parts.items() if not name.startswith("_") and part not in (None, {}, [])}
    return {name.replace("_", " "): described(part) for name, part in parts.items()}


def commands(run: RunFolder) -> list[str]:
    """The commands that were typed: the one that began the run, and those that resumed it."""
    typed = []
    for attempt in run.attempts():
        public = [word for word in attempt.words() if word.partition("=")[0].rsplit(".", 1)[-1] not in PRIVATE]
        resumed = ["resume=RUN_FOLDER"] if attempt.number else []
        typed.append(" ".join(["python train.py", *resumed, *public]))
    return typed


def numbers(run: RunFolder, weights: str, iteration: int) -> Iterator[dict[str, Any]]:
    """The last measurement of each metric by each protocol, on these weights at this iteration, the newest last.

    Yields:
        Records with ``name``, ``value``, ``error`` (the standard error, or None if there is none) and ``protocol``.
    """
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for record in (*run.numbers(), *run.evaluated()):
        protocol = record.get("protocol", {})
        if protocol.get("generator") == weights and record["iteration"] == iteration:
            name = record["name"].removeprefix(f"quality/{weights}/")
            key = name, _conditions(protocol)
            latest.pop(key, None)
            latest[key] = record
    for (name, conditions), record in latest.items():
        if not name.endswith(ERROR) and "/" not in name:  # numbers of single classes are left out
            error = latest.get((f"{name}{ERROR}", conditions), {}).get("value")
            yield {**record, "name": name, "error": error}


def _conditions(protocol: Mapping[str, Any]) -> str:
    """The part of a protocol that a number shares with its standard error, as text to compare by.

    It leaves out the metric, and the facts in which two protocols need not agree.
    """
    return json.dumps({key: protocol[key] for key in protocol if key not in {"measure", *NEED_NOT_AGREE}})
