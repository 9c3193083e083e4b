"""Top-k training: a loss with which G learns only from its best samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import torch

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.parallel.collectives import gathered
from gan_lightning.types import AdversarialLoss, Draw, Logits, Scalar


@dataclass(frozen=True)
class TopK:
    """Another loss whose gradient for G comes only from the samples of the global batch that D finds most real.

    Sinha et al. 2020, https://arxiv.org/abs/2002.06224, who lower the fraction from 1 during training: schedule
    ``loss.fraction`` to do so. A sample with a map of logits is as real as their mean says. The value of G's loss stays
    that of the whole batch, so that it can be compared with the value in a run without top-k training.

    Args:
        loss: The loss whose gradient is restricted.
        fraction: Share of the global batch that G learns from.
    """

    couples_samples: ClassVar[bool] = True
    loss: AdversarialLoss
    fraction: float = 0.5

    def __post_init__(self) -> None:
        """Check the fraction.

        Raises:
            UserError: If it is not above 0 and at most 1.
        """
        if not 0 < self.fraction <= 1:
            raise UserError(f"loss.fraction is {self.fraction}, but must be more than 0 and at most 1 (all samples).")

    @property
    def border(self) -> float | None:
        """The logit between real and fake of the loss whose gradient is restricted, or None if it has none."""
        return getattr(self.loss, "border", None)

    @property
    def realness(self) -> Callable[[Logits, Logits], Logits] | None:
        """The wrapped loss's function that tells whether D takes samples for real, or None if that loss has none."""
        return getattr(self.loss, "realness", None)

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """D's loss, which is that of the other loss unchanged."""
        return self.loss.discriminator(real, fake, draw)

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """G's loss over the whole batch, with the gradient of its mean over the k best samples of all processes.

        k is ``fraction`` times the size of the global batch, rounded up.
        """
        scores = at_least_float32(fake).reshape(len(fake), -1).mean(1)
        everyone = gathered(scores)
        k = ceil(self.fraction * len(everyone))
        worst_kept = torch.topk(everyone, k).values[-1]
        # not indexed by a mask, because the size of the result would be known only after waiting for the device
        good = (scores >= worst_kept).view(-1, *(1 for _ in fake.shape[1:]))
        kept = torch.where(good, fake, fake.detach())
        loss = self.loss.generator(kept, real)
        return loss.detach() + len(everyone) / k * (loss - loss.detach())
