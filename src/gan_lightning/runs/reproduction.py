"""Compare two runs: whether they gave the same numbers and, if not, what was different about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import RunFolder, read_json
from gan_lightning.runs.loading import read_checkpoint, run_of

OF_THE_CLOCK = frozenset({"images_per_second"})
"""Numbers that depend on the clock, so that no two runs share them."""
FACTS_OF_A_PROCESS = ("device", "world_size", "threads")


@dataclass(frozen=True)
class DifferingNumber:
    """One number that differs: ``there`` is its value in the earlier run, ``here`` in the later one, if it has one."""

    name: str
    iteration: int
    there: float
    here: float | None

    @property
    def relative(self) -> float:
        """Difference over the larger of the two absolute values; 1 if one of them is missing or not finite."""
        if self.here is None or not (math.isfinite(self.here) and math.isfinite(self.there)):
            return 1.0
        return abs(self.here - self.there) / max(abs(self.here), abs(self.there))


@dataclass(frozen=True)
class Reproduction:
    """The result of comparing two runs."""

    compared: int
    """Count of the earlier run's numbers at iterations at which the later run has numbers too."""
    differing: tuple[DifferingNumber, ...]
    weights_equal: bool | None
    """Whether all weights are equal to the last bit; None if the last checkpoints are not of the same iteration."""
    circumstances: tuple[str, ...]
    """One line for each thing that was different about the runs."""

    @property
    def same(self) -> bool:
        """Whether every number is equal, and every weight if weights could be compared."""
        return self.compared > 0 and not self.differing and self.weights_equal is not False

    def to_dict(self) -> dict[str, Any]:
        """The fields and ``same`` as plain values, for JSON."""
        return {"same": self.same, **asdict(self)}

    def sentences(self) -> Iterator[str]:
        """The result in lines for the terminal."""
        if not self.compared:
            yield "nothing to compare: the two runs share no point of training"
            return
        if self.same:
            weights = ", and every weight," if self.weights_equal else ""
            yield f"same numbers: {self.compared:,} values{weights} equal to the last bit"
            return
        yield f"other numbers: {len(self.differing):,} of {self.compared:,} values differ"
        if self.differing:
            first, largest = self.differing[0], max(self.differing, key=lambda number: number.relative)
            yield f"  first:   {_shown(first)}"
            yield f"  largest: {_shown(largest)}"
        elif self.weights_equal is False:
            yield "  the weights differ all the same"
        yield from (f"  {each}" for each in self.circumstances or ["nothing else is known to be different"])


def compare_runs(there: RunFolder, here: RunFolder) -> Reproduction:
    """Compare an earlier run (``there``) with a later one (``here``).

    Raises:
        UserError: If one of them has no numbers.
    """
    before, after = _numbers(there), _numbers(here)
    reached = max((iteration for iteration, _ in after), default=-1)
    every = {iteration for iteration, _ in after}
    shared = {key: value for key, value in before.items() if key[0] <= reached and key[0] in every}
    differing = tuple(
        DifferingNumber(name, iteration, value, after.get((iteration, name)))
        for (iteration, name), value in shared.items()
        if not _equal(value, after.get((iteration, name)))
    )
    return Reproduction(len(shared), differing, _weights_equal(there, here), tuple(_circumstances(there, here)))


def _shown(number: DifferingNumber) -> str:
    here = "nothing" if number.here is None else repr(number.here)
    return f"{number.name} at iteration {number.iteration:,}: {number.there!r} there, {here} here"


def _numbers(run: RunFolder) -> dict[tuple[int, str], float]:
    if not run.metrics.is_file():
        raise UserError(f"{run.metrics} is missing, so there are no numbers to compare with.")
    records = (record for record in run.numbers() if record["name"] not in OF_THE_CLOCK)
    return {(record["iteration"], record["name"]): record["value"] for record in records}


def _equal(one: float, other: float | None) -> bool:
    return one == other or (other is not None and math.isnan(one) and math.isnan(other))


def _weights_equal(there: RunFolder, here: RunFolder) -> bool | None:
    if not (there.last.is_file() and here.last.is_file()):
        return None
    one, other = read_checkpoint(there.last), read_checkpoint(here.last)
    if one.counters["iteration"] != other.counters["iteration"]:
        return None
    weights, others = one.tensors, other.tensors
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)


def _circumstances(there: RunFolder, here: RunFolder) -> Iterator[str]:
    """The differences between two runs' records of code, packages, machine and processes, one line each."""
    then, now = _facts(there), _facts(here)
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            yield f"{name}: {then.get(name)} there, {now.get(name)} here"
    if _text(there.changes) != _text(here.changes):
        yield f"the code was changed otherwise since its commit: compare {RunFolder.changes} of both folders"
    fingerprints = {_fingerprint(run) for run in (there, here)}
    if None not in fingerprints and len(fingerprints) > 1:
        yield "the training data were others"
    attempts = len(there.attempts())
    if attempts > 1:
        yield f"that run went on {attempts - 1} time(s), perhaps with other options: see {there.all_attempts}"


def _facts(run: RunFolder) -> dict[str, Any]:
    provenance = _json(run.provenance)
    machine = provenance.get("machine") or {}
    facts = {
        "commit": (provenance.get("git") or {}).get("commit"),
        "python": provenance.get("python"),
        **_picked(provenance.get("packages") or {}, provenance.get("packages") or {}),
        **_picked(machine, ("processor", "cpus", "gpus", "cuda")),
    }
    process = next((_json(attempt.process) for attempt in run.attempts()), {})
    return facts | _picked(process, FACTS_OF_A_PROCESS)


def _fingerprint(run: RunFolder) -> str | None:
    """The fingerprint of the data that a run was trained on, or None if an earlier release trained it."""
    return run_of(read_checkpoint(run.last).content.get("config")).get("fingerprint") if run.last.is_file() else None


def _picked(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


def _json(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, UserError):
        return read_json(path)
    return {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
