"""A run that is rolled back: the next attempt goes on from a healthy checkpoint with smaller learning rates.

This is what ``resume=RUN_FOLDER optimizer.generator.lr=... optimizer.discriminator.lr=...`` does from that checkpoint,
and it is as exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lightning.pytorch import Callback, Trainer
from omegaconf import OmegaConf

from gan_lightning.callbacks import Health, RollBack
from gan_lightning.errors import UserError
from gan_lightning.runs.checkpoint import keep_copy, load_checkpoint
from gan_lightning.runs.folder import RunFolder
from gan_lightning.train.start import Start
from gan_lightning.types import PLAYERS

HISTORY = "callbacks.health.rolled_back"
"""The option in which a run keeps its roll-backs, so that resuming it forgets none."""


def way_back(trainer: Trainer) -> RollBack | None:
    """Where the run is to go on, or None if an illness that ended it ends it for good."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    ways = (each.way_back() for each in callbacks if isinstance(each, Health))
    return next((way for way in ways if way is not None), None)


def rolled_back(start: Start, way: RollBack, run: RunFolder, trained: Mapping[str, Any]) -> Start:
    """The start that follows a roll-back; the healthy checkpoint becomes the last one, in case the run is killed.

    Args:
        start: The start that an illness has ended.
        way: The way back.
        run: The run folder.
        trained: The resolved configuration of that start.

    Raises:
        UserError: If the configuration does not say the players' learning rates, which are to become smaller.
    """
    config = start.checked.config.copy()
    optimizers = trained.get("optimizer") or {}
    rates = {f"optimizer.{player}.lr": (optimizers.get(player) or {}).get("lr") for player in PLAYERS}
    words = []
    for name, rate in rates.items():
        if rate is None:
            raise UserError(f"The run can't be rolled back with smaller learning rates, because there is no {name}.")
        OmegaConf.update(config, name, way.factor * rate)
        words.append(f"{name}={way.factor * rate}")
    to = int(load_checkpoint(way.checkpoint)["gan_lightning"]["counters"]["iteration"])
    entry = {"illness": way.illness, "at": way.at, "to": to, "factor": way.factor}
    earlier = OmegaConf.select(config, HISTORY) or []
    OmegaConf.update(config, HISTORY, [*earlier, entry], force_add=True)
    keep_copy(way.checkpoint, run.last)
    return Start(replace(start.checked, config=config), [*start.overrides, *words], run.next_attempt().number, run.last)
