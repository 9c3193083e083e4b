"""A loss whose G learns from its best samples alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import torch

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.parallel.collectives import gathered
from gan_lightning.types import AdversarialLoss, Draw, Logits, Scalar


@dataclass(frozen=True)
class TopK:
    """Another loss, but G's gradient comes only from the ``fraction`` of the global batch that D finds most real.

    Sinha et al. 2020, https://arxiv.org/abs/2002.06224, who lower the fraction from 1 during training: schedule
    ``loss.fraction``. The value stays that of the whole batch, comparable with a run without it.
    """

    loss: AdversarialLoss
    fraction: float = 0.5

    def __post_init__(self) -> None:
        """Check the fraction.

        Raises:
            UserError: if it is not above 0 and at most 1.
        """
        if not 0 < self.fraction <= 1:
            raise UserError(f"loss.fraction is {self.fraction}, but must be more than 0 and at most 1 (all samples).")

    @property
    def border(self) -> float | None:
        """That of the other loss."""
        return getattr(self.loss, "border", None)

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """As without it."""
        return self.loss.discriminator(real, fake, draw)

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """The gradient is that of the mean over the k = fraction B best samples of all processes."""
        everyone = gathered(at_least_float32(fake))
        k = ceil(self.fraction * len(everyone))
        worst_kept = torch.topk(everyone, k).values[-1]
        # no selection by a mask: its size would be known only after waiting for the device
        kept = torch.where(at_least_float32(fake) >= worst_kept, fake, fake.detach())
        loss = self.loss.generator(kept, real)
        return loss.detach() + len(everyone) / k * (loss - loss.detach())
