"""Losses that fail on one process of a run or on both, and that the processes import by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from gan_lightning.errors import UserError
from gan_lightning.losses import NonSaturating


@dataclass(frozen=True)
class FailsOnTheOther(NonSaturating):
    """Loss that only rank 0 can build."""

    def __post_init__(self) -> None:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            raise UserError(f"no loss in process {os.getpid()}")


@dataclass(frozen=True)
class FailsOnBoth(NonSaturating):
    """Loss that fails on every process with the error that networks which don't fit together would raise."""

    def discriminator(self, real: Any, fake: Any, draw: Any) -> Any:
        raise RuntimeError("shapes cannot be multiplied")
