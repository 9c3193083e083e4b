"""What a run folder says: how the run was made, how it ended, and what was measured."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from gan_lightning.compare.curves import Curve
from gan_lightning.runs.folder import COMPOSED, FAILURE, METRICS, OVERRIDES, PROCESS, RESOLVED, SUMMARY
from gan_lightning.runs.records import read_records

KEYS = {"iteration", "images", "seconds", "name", "value"}
"""Of a record."""
QUALITY = "quality/"
DONE = "done"


@dataclass(frozen=True)
class Run:
    """One run folder."""

    folder: Path
    status: str
    """``done``, ``interrupted``, ``pruned``, ``failed``, ``unfinished`` or ``unreadable``."""
    reason: str = ""
    """Why it is not done."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Resolved; empty where training never began."""
    composed: Mapping[str, Any] = field(default_factory=dict)
    """The same with its references (``${loss}``) unresolved."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """What was typed, by key."""
    records: tuple[Mapping[str, Any], ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    process: Mapping[str, Any] = field(default_factory=dict)
    """What rank 0 wrote down when training began, at the last start."""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> int | None:
        """Of the run; None where training never began."""
        return self.config.get("seed")

    @property
    def processes(self) -> int | None:
        """That train it; None where training never began."""
        processes: int | None = self.summary.get("world_size", self.process.get("world_size"))
        return processes

    @cached_property
    def measured(self) -> dict[str, list[Mapping[str, Any]]]:
        """Records of quality by name, without the prefix."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for record in self.records:
            if str(record["name"]).startswith(QUALITY):
                found.setdefault(record["name"].removeprefix(QUALITY), []).append(record)
        return found

    def curve(self, metric: str) -> Curve | None:
        """A number over time; None where it was not measured."""
        return Curve.of(self.measured.get(metric, ()))

    def spent(self) -> dict[str, float]:
        """Iterations, images, updates and seconds: the summary's, else as far as the records go."""
        last = self.records[-1] if self.records else {}
        iteration = self.summary.get("iteration", last.get("iteration", 0))
        return {
            "iteration": iteration,
            "images": self.summary.get("images", last.get("images", 0)),
            "d_updates": self.summary.get("d_updates", iteration * self.config.get("n_critic", 1)),
            "g_updates": self.summary.get("g_updates", iteration),
            "seconds": self.summary.get("seconds", last.get("seconds", 0.0)),
        }


def read_run(folder: Path) -> Run:
    """All that the folder says; a file that can't be read makes the run ``unreadable``, with the reason."""
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        return Run(folder, "unreadable", f"{type(error).__name__}: {' '.join(str(error).split())}")


def _read(folder: Path) -> Run:
    attempts = sorted((folder / "attempts").glob("[0-9]*"), key=lambda attempt: int(attempt.name))
    summary = _json(folder / SUMMARY)
    config = _yaml(folder / RESOLVED)
    records = _records(folder / METRICS)
    status, reason = _ending(folder, summary, config, records)
    return Run(
        folder=folder,
        status=status,
        reason=reason,
        config=config,
        composed=_yaml(folder / COMPOSED),
        overrides=_overrides(attempts or [folder]),
        records=records,
        summary=summary,
        process=next((found for attempt in reversed(attempts) if (found := _json(attempt / PROCESS))), {}),
        provenance=_json(folder / "provenance.json"),
    )


def _ending(
    folder: Path, summary: Mapping[str, Any], config: Mapping[str, Any], records: tuple[Mapping[str, Any], ...]
) -> tuple[str, str]:
    images = records[-1]["images"] if records else 0
    reached = f" after {images:,} images" if images else ""
    if failure := _json(folder / FAILURE):
        when = f" (after {images:,} images)" if images else ""
        return "failed", ": ".join(str(failure[key]) for key in ("kind", "message") if failure.get(key)) + when
    status = str(summary.get("status", ""))
    if status == DONE:
        return DONE, ""
    if number := summary.get("signal"):
        return status, f"stopped by {signal.Signals(number).name}{reached}"
    if status:
        return status, f"{summary.get('reason') or status}{reached}"
    began = "no summary yet: it still trains, or was killed" if config else "training never began"
    return "unfinished", began + reached


def _overrides(folders: Iterable[Path]) -> dict[str, str]:
    """What was typed at the start, and on going on."""
    typed: dict[str, str] = {}
    for folder in folders:
        file = folder / OVERRIDES
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
            key, _, value = line.lstrip("+~").partition("=")
            if key:
                typed[key] = value
    return typed


def _records(file: Path) -> tuple[dict[str, Any], ...]:
    """The lines of a ``metrics.jsonl``.

    Raises:
        ValueError: A line is no record.
    """
    records = tuple(read_records(file)) if file.is_file() else ()
    for record in records:
        whole = isinstance(record, dict) and record.keys() >= KEYS and isinstance(record["value"], (int, float))
        if not whole:
            raise ValueError(f"{file.name} has a line that is no record: {str(record)[:80]}")
    return records


def _json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _yaml(file: Path) -> dict[str, Any]:
    # the parser in C where PyYAML has it, 17 times as fast as OmegaConf on a resolved.yaml; both are the safe ones
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(file.read_text(encoding="utf-8"), loader)) if file.is_file() else {}
