"""Adaptive augmentation: as much of it as keeps D from telling real images too surely."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation
from gan_lightning.augment.diffaugment import DiffAugment
from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Images, Logits, Scalar


class Adaptive(Augmentation):
    """Raises an augmentation's probability while D is too sure of the real images, and lowers it otherwise.

    Karras et al. 2020 (ADA), https://arxiv.org/abs/2006.06676, sec. 3: r_t = E[sign(D(real))], taken over the last
    ``interval`` iterations and all processes, is held at ``target`` by steps that would lead from 0 to 1 within
    ``kimg``. Unlike theirs, the probability also ends at 1, beyond which it would mean nothing.

    Args:
        augmentation: What is applied.
        target: Of r_t.
        kimg: Thousand real images in which the probability can go from 0 to 1.
        interval: Iterations between two steps.
    """

    probability: Tensor
    signs: Tensor
    updates: Tensor

    def __init__(self, augmentation: DiffAugment, target: float = 0.6, kimg: float = 500.0, interval: int = 4) -> None:
        super().__init__()
        if kimg <= 0 or interval < 1:
            raise UserError(f"augment.adaptive: kimg={kimg} must be more than 0 and interval={interval} at least 1.")
        self.augmentation = augmentation
        self.target = target
        self.kimg = kimg
        self.interval = interval
        # buffers, so that they are saved, and averaged over the processes with batch norm's statistics
        for name in ("probability", "signs", "updates"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images: Images, draw: Draw) -> Images:
        """Images [B C H W], augmented with the present probability."""
        augmented: Images = self.augmentation(images, draw, self.probability)
        return augmented

    @torch.no_grad()
    def observe(self, real_logits: Logits) -> None:
        """Collect the signs."""
        self.signs += real_logits.sign().float().mean()
        self.updates += 1

    @torch.no_grad()
    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Step every ``interval`` iterations, without waiting for the device."""
        if (iteration + 1) % self.interval == 0:
            too_sure = torch.sign(self.signs / self.updates - self.target)  # r_t - target
            self.probability += too_sure * self.interval * images / (1000 * self.kimg)
            self.probability.clamp_(0, 1)
            self.signs.zero_()
            self.updates.zero_()
        return {"probability": self.probability.clone()}
