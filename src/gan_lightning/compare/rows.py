"""One row of a comparison: a recipe with its runs, and its numbers over seeds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from gan_lightning.compare.curves import Curve
from gan_lightning.compare.ranking import Standing
from gan_lightning.compare.runs import Run


@dataclass(frozen=True)
class Spread:
    """The values of one number, one for each seed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the seeds, with divisor ``n - 1``, or None if there is only one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Row:
    """One recipe with the runs that count and what they reached."""

    name: str
    runs: tuple[Run, ...]
    """The runs that count, one for each seed."""
    curves: tuple[Curve, ...]
    """The whole curve of each run."""
    best: Spread
    """The best values of the whole runs."""
    final: Spread
    """The last values of the whole runs."""
    fair: Spread
    """The values at the budget that all recipes have reached; the ranking follows their mean."""
    left_out: int
    """Number of runs of this recipe that do not count."""
    standing: Standing | None = None
    """Standing among the recipes with several seeds, or None if this recipe or all others have a single seed."""

    def spent(self, what: str) -> float:
        """Average over the runs of what they spent: ``images``, ``d_updates``, ``g_updates`` or ``seconds``."""
        return statistics.fmean(run.spent()[what] for run in self.runs)

    def peak_memory(self) -> int | None:
        """The most bytes that a process of one of the runs held; None if no run has said so."""
        return max((held for run in self.runs if (held := run.peak_memory()) is not None), default=None)

    def typical(self) -> Run:
        """The run with the median value (the lower of two), so that the samples shown are not those of a lucky seed."""
        by_value = sorted(range(len(self.runs)), key=lambda i: self.fair.values[i])
        return self.runs[by_value[(len(by_value) - 1) // 2]]
