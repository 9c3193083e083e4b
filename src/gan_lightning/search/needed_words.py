"""The overrides that every job of a search needs so that the objectives are measured while it trains."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from gan_lightning.errors import UserError
from gan_lightning.quality import Evaluator
from gan_lightning.search.objective import Objective, metrics_for
from gan_lightning.search.space import Space

GROUP = "callbacks"
MONITOR = "callbacks.quality.monitor"
METRICS = "callbacks.quality.metrics"


def with_quality(space: Space, composed: DictConfig) -> Space:
    """The space with ``callbacks=quality`` added if the typed overrides measure no quality.

    Everything that is added here is an ordinary override, so that typing a job's overrides trains the same run.

    Raises:
        UserError: If other callbacks were typed.
    """
    if composed.get(GROUP) is not None and composed[GROUP].get("quality") is not None:
        return space
    if typed := space.fixed.get(GROUP):
        raise UserError(f"A search compares what callbacks=quality measures: leave out {typed}.")
    return space.with_fixed(GROUP, "quality")


def with_objectives(space: Space, composed: DictConfig, wanted: Sequence[Objective], evaluator: Evaluator) -> Space:
    """The space with overrides added that measure all objectives and let the first one choose the best checkpoint.

    Raises:
        UserError: If an override that was typed contradicts this.
    """
    quality = composed.callbacks.quality
    first = wanted[0].name
    chosen = list(evaluator.metrics if quality.metrics is None else quality.metrics)
    missing = [name for name in metrics_for(wanted, evaluator) if name not in chosen]
    for key, wrong, value in (
        (MONITOR, quality.monitor != first, first),
        (METRICS, bool(missing), f"[{','.join([*chosen, *missing])}]"),
    ):
        if wrong and key in space.fixed:
            raise UserError(f"{space.fixed[key]} does not go with this objective: leave it out, or give {key}={value}.")
        if wrong:
            space = space.with_fixed(key, value)
    return space
