"""Adaptive discriminator augmentation (ADA): just enough of it that D does not recognise real images too surely."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation
from gan_lightning.augment.diffaugment import DiffAugment
from gan_lightning.errors import UserError
from gan_lightning.losses import realness_of
from gan_lightning.types import AdversarialLoss, Draw, Images, Logits, Scalar


class Adaptive(Augmentation):
    """Raises the probability of an augmentation while D is too sure of the real images, and lowers it otherwise.

    Karras et al. 2020 (ADA), https://arxiv.org/abs/2006.06676, sec. 3. The probability moves in steps that hold
    `r_t = E[sign(D(x))]` at ``target``, where the expectation runs over the last ``interval`` iterations and all
    processes. Unlike in the paper's code, the probability never exceeds 1, because a larger one would have no meaning.

    The paper's sign is that of a logit whose border between real and fake is 0. Other losses say themselves how real D
    takes a sample to be (:func:`gan_lightning.losses.realness_of`): `D(x) - 0.5` for least squares, `D(x) - D(G(z))`
    for relativistic losses.

    Args:
        augmentation: The augmentation whose probability is adapted.
        target: The value at which `r_t` is held.
        kimg: Thousands of real images in which the probability can go from 0 to 1.
        interval: Number of iterations between two steps of the probability.

    Raises:
        UserError: If ``kimg`` is not above 0, or ``interval`` is below 1.
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
        # buffers, so that they are saved, and averaged over the processes together with the statistics of batch norm
        for name in ("probability", "signs", "updates"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images: Images, draw: Draw) -> Images:
        """Images [B C H W] augmented with the present probability."""
        augmented: Images = self.augmentation(images, draw, self.probability)
        return augmented

    @torch.no_grad()
    def observe(self, loss: AdversarialLoss, real: Logits, fake: Logits) -> None:
        """Add the share of real images that D takes for real, less the share that it does not, to the running sum."""
        realness = realness_of(loss)
        assert realness is not None  # the rules of the game refuse a loss that has none
        self.signs += realness(real, fake).sign().float().mean()
        self.updates += 1

    @torch.no_grad()
    def adapt(self, iteration: int, images: int) -> dict[str, Scalar]:
        """Move the probability by one step every ``interval`` iterations, without waiting for the device."""
        if (iteration + 1) % self.interval == 0:
            too_sure = torch.sign(self.signs / self.updates - self.target)  # r_t - target
            self.probability += too_sure * self.interval * images / (1000 * self.kimg)
            self.probability.clamp_(0, 1)
            self.signs.zero_()
            self.updates.zero_()
        return {"probability": self.probability.clone()}
