"""A diagnosis: the name of an illness, what it means, what to do, and the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Diagnosis:
    """An illness that was found in a run.

    Args:
        name: Name of the illness, such as mode_collapse.
        sentence: What is wrong, in one sentence.
        advice: What to do, in one sentence.
        evidence: The numbers that show it, by name.
        iteration: The iteration at which it was found.
        images: Number of real images that had been seen by then.
    """

    name: str
    sentence: str
    advice: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    iteration: int = 0
    images: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values."""
        return {**asdict(self), "evidence": dict(self.evidence)}

    def line(self) -> str:
        """The diagnosis in one line, for the terminal."""
        return f"{self.name} at iteration {self.iteration:,}: {self.sentence} {self.advice} ({self.numbers()})"

    def numbers(self) -> str:
        """The evidence in words."""
        return ", ".join(f"{name} {value:.4g}" for name, value in self.evidence.items())
