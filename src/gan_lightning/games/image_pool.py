"""The image pool: past fakes, shown to D again so that it does not forget what G has given up."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.parallel.collectives import gathered, own_part, place_in_group
from gan_lightning.types import Draw, Images


class ImagePool:
    """Replaces each fake, with a probability of 1/2, by a past one, and keeps it in the place of that.

    Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828, sec. 2.3; the half is drawn sample by sample, as Zhu et
    al. 2017 (CycleGAN, https://arxiv.org/abs/1703.10593, sec. 4) do. The first fakes fill the pool and are shown as
    they are.

    Each row of the global batch has a pool of its own: fakes of one batch have the same distribution in all rows, so
    nothing is lost, and a process needs no row but its own. With numbers drawn for the global batch, the result does
    not depend on the number of processes. With one image a batch there is one pool, as in CycleGAN.

    Args:
        updates: Size of the pool in D updates, all of whose fakes are kept.
        images: Size of the pool in images, which the rows of the global batch share out; if both are 0 it does nothing.

    Raises:
        UserError: If a size is negative, or both are given.
    """

    def __init__(self, updates: int = 0, images: int = 0) -> None:
        for name, size in (("updates", updates), ("images", images)):
            if size < 0:
                raise UserError(f"model.image_pool.{name} is {size}, but must be 0 (no pool) or more.")
        if updates and images:
            raise UserError("model.image_pool.updates and model.image_pool.images both say how large it is: give one.")
        self.updates = updates
        self.images = images
        self._past: Tensor | None = None  # [places B C H W]
        self._places: Tensor | None = None  # [B]: those that each row has; the others stay empty
        self._filled = 0

    def __call__(self, fake: Images, draw: Draw) -> Images:
        """The fakes [B C H W] that D is to see."""
        if not (self.updates or self.images):
            return fake
        past, places = self._made_for(fake)
        rows, most = torch.arange(len(fake), device=fake.device), len(past)
        filling = places > self._filled
        drawn = draw.integers("slot", most, (len(fake),))
        if self.images:  # the rows at the end may have one place less
            drawn = torch.where(places == most, drawn, draw.integers("slot of fewer", max(most - 1, 1), (len(fake),)))
        slot = torch.where(filling, self._filled, drawn)
        swapped = (draw.uniform("swapped", (len(fake),)) < 0.5) & ~filling & (places > 0)
        old = past[slot, rows]
        past[slot, rows] = torch.where(_column(filling | swapped), fake, old)
        self._filled = min(self._filled + 1, most)
        return torch.where(_column(swapped), old, fake)

    def state_dict(self) -> dict[str, Any]:
        """The pools of all processes, so that a run may go on with another number of them; all must call it."""
        if self._past is None:
            return {}
        return {"past": gathered(self._past, dim=1).cpu(), "filled": self._filled, "images": self.images}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up :meth:`state_dict` again, this process's rows; a pool of another size starts anew."""
        if not state or state.get("images", 0) != self.images:
            return
        if self.images or len(state["past"]) == self.updates:
            self._past, self._places, self._filled = own_part(state["past"], dim=1), None, state["filled"]

    def _made_for(self, fake: Images) -> tuple[Tensor, Tensor]:
        """The pool and its places on the device of these fakes; a new one if a loaded one had other fakes."""
        if self._past is None or self._past.shape[1:] != fake.shape:
            # as long in every process, because they are gathered
            most = self.updates or -(-self.images // (len(fake) * place_in_group()[1]))
            self._past, self._places, self._filled = fake.new_zeros((most, *fake.shape)), None, 0
        if self._places is None:
            self._past, self._places = self._past.to(fake), self._shared_out(len(fake)).to(fake.device)
        return self._past, self._places

    def _shared_out(self, batch: int) -> Tensor:
        """The number of past fakes that each row of this process may keep [B]."""
        if self.updates:
            return torch.full((batch,), self.updates)
        rank, processes = place_in_group()
        every, more = divmod(self.images, batch * processes)
        return every + (torch.arange(batch) + rank * batch < more).long()


def _column(of_samples: Tensor) -> Tensor:
    """[B] as [B 1 1 1]."""
    return of_samples[:, None, None, None]
