"""Losses that fail on one process of a run or on both; the processes import them by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from gan_lightning.errors import UserError
from gan_lightning.losses import NonSaturating


@dataclass(frozen=True)
class FailsOnTheOther(NonSaturating):
    """Can be built by rank 0 alone."""

    def __post_init__(self) -> None:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            raise UserError(f"no loss in process {os.getpid()}")


@dataclass(frozen=True)
class FailsOnBoth(NonSaturating):
    """As what does not fit together."""

    def discriminator(self, real: Any, fake: Any, draw: Any) -> Any:
        raise RuntimeError("shapes cannot be multiplied")
