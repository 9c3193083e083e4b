"""One recipe in numbers."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from gan_lightning.compare.curves import Curve
from gan_lightning.compare.ranking import Standing
from gan_lightning.compare.runs import Run


@dataclass(frozen=True)
class Spread:
    """One number over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The standard deviation, with divisor n - 1; None for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """One recipe."""

    name: str
    runs: tuple[Run, ...]
    """Those that are in the numbers, one a seed."""
    curves: tuple[Curve, ...]
    best: Spread
    final: Spread
    fair: Spread
    """At the budget that all recipes have reached: what the order follows."""
    left_out: int
    """Runs of this recipe that are not in the numbers."""
    standing: Standing | None = None
    """None for a single seed, and where there is nothing to stand among."""

    def spent(self, what: str) -> float:
        """Images, ``d_updates``, ``g_updates`` or seconds of a run, on average."""
        return statistics.fmean(run.spent()[what] for run in self.runs)

    def typical(self) -> Run:
        """The run whose number is the median one, the lower of two: what its samples show is no lucky seed."""
        by_value = sorted(range(len(self.runs)), key=lambda i: self.fair.values[i])
        return self.runs[by_value[(len(by_value) - 1) // 2]]
