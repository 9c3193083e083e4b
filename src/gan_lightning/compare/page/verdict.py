"""The result of a comparison in a sentence or two, for somebody who reads nothing else."""

from __future__ import annotations

from gan_lightning.compare.cautions import within_noise
from gan_lightning.compare.comparison import Comparison
from gan_lightning.compare.formatting import listed, with_spread


def verdict(comparison: Comparison) -> str:
    """A sentence that says which recipe comes first, with which value, and whether that is more than noise."""
    first, *others = comparison.rows
    value = with_spread(first.fair.mean, first.fair.deviation)
    seeds = f"{len(first.runs)} seed{'s' if len(first.runs) > 1 else ''}"
    if not others:
        return f"{first.name}: {comparison.wish.metric} {value} over {seeds}."
    lead = f"{first.name} comes first, with {comparison.wish.metric} {value} over {seeds}"
    if first.standing is None:
        single = "one seed" if len(first.runs) == 1 else "one seed of each of the others"
        return f"{lead}: with {single}, nobody can say whether other seeds would agree."
    if near := within_noise(comparison.rows):
        return f"{lead}, but these seeds can't tell it from {listed([row.name for row in near], 3)}."
    return f"{lead}: it is the best of those with several seeds with a probability of {first.standing.best:.0%}."
