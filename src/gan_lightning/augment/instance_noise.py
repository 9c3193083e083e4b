"""Instance noise: Gaussian noise on real and fake images alike."""

from __future__ import annotations

from gan_lightning.augment.base import Augmentation
from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Images


class InstanceNoise(Augmentation):
    """Adds Gaussian noise to real and fake images, so that their distributions overlap.

    Sønderby et al. 2017, https://arxiv.org/abs/1610.04490, who lower the noise to zero during training: schedule
    ``augment.instance_noise.std`` to do so.

    Args:
        std: `σ`, the standard deviation of the noise, for images in [-1, 1].

    Raises:
        UserError: If ``std`` is negative.
    """

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        if std < 0:
            raise UserError(f"augment.instance_noise.std is {std}, but must be 0 (no noise) or more.")
        self.std = std

    def forward(self, images: Images, draw: Draw) -> Images:
        """`x + σ n` with `n ~ N(0, 1)` for each pixel."""
        return images + self.std * draw.normal("noise", tuple(images.shape)).to(images.dtype)
