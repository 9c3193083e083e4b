"""The image pool: past fakes, shown to D again so that it does not forget what G has given up."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.parallel.collectives import gathered, own_part
from gan_lightning.types import Draw, Images


class ImagePool:
    """Replaces each fake, with a probability of 1/2, by one from the last D updates, and keeps it in its place.

    Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828, sec. 2.3; the half is drawn sample by sample, as Zhu et
    al. 2017 (CycleGAN) do. Each row of the global batch has a pool of its own, of ``updates`` images: fakes of one
    batch have the same distribution in all rows, so nothing is lost, and a process needs no row but its own. With
    numbers drawn for the global batch, the result does not depend on the number of processes.

    Args:
        updates: D updates whose fakes are kept; with 0 it does nothing.
    """

    def __init__(self, updates: int = 0) -> None:
        if updates < 0:
            raise UserError(f"model.image_pool.updates is {updates}, but must be 0 (no pool) or more.")
        self.updates = updates
        self._past: Tensor | None = None  # [updates B C H W]
        self._filled = 0

    def __call__(self, fake: Images, draw: Draw) -> Images:
        """The fakes [B C H W] that D is to see."""
        if self.updates == 0:
            return fake
        past = fake.new_zeros((self.updates, *fake.shape)) if self._past is None else self._past.to(fake)
        self._past = past
        if self._filled < self.updates:
            past[self._filled] = fake
            self._filled += 1
            return fake
        rows = torch.arange(len(fake), device=fake.device)
        slot = draw.integers("slot", self.updates, (len(fake),))
        swapped = draw.uniform("swapped", (len(fake), 1, 1, 1)) < 0.5
        old = past[slot, rows]
        past[slot, rows] = torch.where(swapped, fake, old)
        return torch.where(swapped, old, fake)

    def state_dict(self) -> dict[str, Any]:
        """The pools of all processes, so that a run may go on with another number of them; all must call it."""
        return {} if self._past is None else {"past": gathered(self._past, dim=1).cpu(), "filled": self._filled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up :meth:`state_dict` again, this process's rows; a pool of another size starts anew."""
        if state and len(state["past"]) == self.updates:
            self._past, self._filled = own_part(state["past"], dim=1), state["filled"]
