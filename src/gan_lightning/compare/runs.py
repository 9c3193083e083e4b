"""Reads a run folder: how the run was made, how it ended, and what was measured."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gan_lightning.compare.curves import Curve
from gan_lightning.config.moved import option_of_today
from gan_lightning.errors import UserError
from gan_lightning.runs.folder import Record, RunFolder, read_json, read_yaml

KEYS = {"iteration", "images", "seconds", "name", "value"}
"""Keys that every record of ``metrics.jsonl`` has."""
QUALITY = "quality/"
"""Prefix of the names of records that hold a metric of the generator's quality."""
DONE = "done"
"""Status of a run that trained to its end."""


class Illness(NamedTuple):
    """An illness that was found in a run."""

    name: str
    images: int
    """Number of real images seen when it was found."""
    sentence: str
    advice: str
    evidence: Mapping[str, float]
    over: int | None = None
    """Number of real images seen when it was over, or None if the run ended with it."""


@dataclass(frozen=True)
class Run:
    """The content of one run folder."""

    folder: Path
    status: str
    """``done``, ``interrupted``, ``pruned``, ``ill``, ``failed``, ``unfinished`` or ``unreadable``."""
    reason: str = ""
    """Reason why the run is not done, or an empty string if it is."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The resolved configuration, or an empty one if training never began."""
    composed: Mapping[str, Any] = field(default_factory=dict)
    """The same configuration with its references (``${loss}``) unresolved."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """The overrides that were typed, by key."""
    records: tuple[Mapping[str, Any], ...] = ()
    """The lines of ``metrics.jsonl``."""
    evaluations: tuple[Mapping[str, Any], ...] = ()
    """The lines of ``evaluations.jsonl``."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    process: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the processes that rank 0 recorded when the run was last started or resumed."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """The command, code, packages and machine that made the run."""
    illnesses: tuple[Illness, ...] = ()
    """The illnesses that were found in the run, in the order in which they began."""

    @property
    def seed(self) -> int | None:
        """Seed of the run, or None if training never began."""
        return self.config.get("seed")

    @property
    def tags(self) -> list[str]:
        """The tags that the run was given; empty if training never began."""
        return [str(tag) for tag in self.config.get("tags") or ()]

    @property
    def processes(self) -> int | None:
        """Number of processes that train the run, or None if training never began."""
        processes: int | None = self.summary.get("world_size", self.process.get("world_size"))
        return processes

    @cached_property
    def measured(self) -> dict[str, list[Mapping[str, Any]]]:
        """The records of each curve, by its name; those of the generator's quality without the prefix ``quality/``."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for record in self.records:
            found.setdefault(str(record["name"]).removeprefix(QUALITY), []).append(record)
        return found

    def measures_quality(self, metric: str) -> bool:
        """Whether a curve is one of the generator's quality."""
        return any(str(record["name"]).startswith(QUALITY) for record in self.measured.get(metric, ()))

    def curve(self, metric: str) -> Curve | None:
        """The curve of this name, or None if the run has none."""
        return Curve.of(self.measured.get(metric, ()))

    def spent(self) -> dict[str, float]:
        """Iterations, images, updates and seconds of the run: from its summary, or else from its last record."""
        last = self.records[-1] if self.records else {}
        iteration = self.summary.get("iteration", last.get("iteration", 0))
        return {
            "iteration": iteration,
            "images": self.summary.get("images", last.get("images", 0)),
            "d_updates": self.summary.get("d_updates", iteration * self.config.get("n_critic", 1)),
            "g_updates": self.summary.get("g_updates", iteration),
            "seconds": self.summary.get("seconds", last.get("seconds", 0.0)),
        }

    def peak_memory(self) -> int | None:
        """The most bytes that the first process held, on its GPU if it has one; None if the run has not said so."""
        held = self.summary.get("peak_memory") or {}
        found: int | None = held.get("device") or held.get("machine")
        return found


def read_run(folder: Path) -> Run:
    """The run in a folder; if a file can't be read, the run's status is ``unreadable`` and its reason the error."""
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
        evaluations=tuple(run.evaluated()),
        summary=summary,
        process=next((found for attempt in reversed(attempts) if (found := read_json(attempt.process))), {}),
        provenance=read_json(run.provenance),
        illnesses=tuple(_illnesses(run.diagnoses())),
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
    """The overrides, by key, that were typed when the run was started and when it was resumed; later ones win."""
    typed: dict[str, str] = {}
    for start in starts:
        for line in start.words():
            key, _, value = line.lstrip("+~").partition("=")
            if key:
                typed[option_of_today(key)] = value
    return typed


def _records(run: RunFolder) -> tuple[dict[str, Any], ...]:
    """The numbers that the run recorded while it trained.

    Raises:
        ValueError: If a line lacks one of the keys of a record, or if its value is not a number.
    """
    records = tuple(run.numbers())
    for record in records:
        whole = isinstance(record, dict) and record.keys() >= KEYS and isinstance(record["value"], (int, float))
        if not whole:
            raise ValueError(f"{run.metrics.name} has a line that is no record: {str(record)[:80]}")
    return records


def _illnesses(records: Iterable[Mapping[str, Any]]) -> list[Illness]:
    """The illnesses of which the lines of a ``health.jsonl`` tell the beginning, and perhaps the end."""
    found: list[Illness] = []
    for record in records:
        name, images = record["name"], int(record["images"])
        if not record["value"]:
            found = [each._replace(over=images) if each.name == name and each.over is None else each for each in found]
        elif "advice" in record:  # and no roll-back
            numbers = {str(key): float(value) for key, value in dict(record.get("evidence") or {}).items()}
            found.append(Illness(name, images, str(record.get("sentence", "")), str(record["advice"]), numbers))
    return found
