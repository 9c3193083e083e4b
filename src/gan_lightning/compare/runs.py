"""What a run folder says: how the run was made, how it ended, and what was measured."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from gan_lightning.compare.curves import Curve
from gan_lightning.errors import UserError
from gan_lightning.runs.folder import Record, RunFolder, read_json, read_yaml

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
        return _read(RunFolder(folder))
    except UserError as error:
        return Run(folder, "unreadable", str(error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        return Run(folder, "unreadable", f"{type(error).__name__}: {' '.join(str(error).split())}")


def _read(run: RunFolder) -> Run:
    attempts = run.attempts()
    summary = read_json(run.summary)
    config = read_yaml(run.resolved)
    records = _records(run)
    status, reason = _ending(read_json(run.failure), summary, config, records)
    return Run(
        folder=run.path,
        status=status,
        reason=reason,
        config=config,
        composed=read_yaml(run.composed),
        overrides=_overrides(attempts or [run]),
        records=records,
        summary=summary,
        process=next((found for attempt in reversed(attempts) if (found := read_json(attempt.process))), {}),
        provenance=read_json(run.provenance),
    )


def _ending(
    failure: Mapping[str, Any],
    summary: Mapping[str, Any],
    config: Mapping[str, Any],
    records: tuple[Mapping[str, Any], ...],
) -> tuple[str, str]:
    images = records[-1]["images"] if records else 0
    reached = f" after {images:,} images" if images else ""
    if failure:
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


def _overrides(starts: Iterable[Record]) -> dict[str, str]:
    """What was typed at the start, and on going on."""
    typed: dict[str, str] = {}
    for start in starts:
        for line in start.words():
            key, _, value = line.lstrip("+~").partition("=")
            if key:
                typed[key] = value
    return typed


def _records(run: RunFolder) -> tuple[dict[str, Any], ...]:
    """The numbers of training.

    Raises:
        ValueError: A line is no record.
    """
    records = tuple(run.numbers())
    for record in records:
        whole = isinstance(record, dict) and record.keys() >= KEYS and isinstance(record["value"], (int, float))
        if not whole:
            raise ValueError(f"{run.metrics.name} has a line that is no record: {str(record)[:80]}")
    return records
