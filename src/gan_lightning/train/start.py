"""A checked configuration, and one start of a run with it: the first, a resume, or one after a roll-back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig


@dataclass(frozen=True)
class Checked:
    """A configuration without unknown options, values of a wrong type, or code that nobody vouched for.

    Args:
        config: The configuration, with its references as they were written.
        allow: The modules that the user vouches for if the configuration was stored; None if the user composed it.
    """

    config: DictConfig
    allow: Sequence[str] | None


@dataclass(frozen=True)
class Start:
    """One start of a run.

    Args:
        checked: The checked configuration.
        overrides: The words that were typed, for the record.
        attempt: The number of this start, 0 for the first.
        checkpoint: The checkpoint to go on from; None for a new run.
    """

    checked: Checked
    overrides: Sequence[str]
    attempt: int
    checkpoint: Path | None
