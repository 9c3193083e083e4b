"""Where latents come from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Latents


@dataclass(frozen=True)
class Normal:
    """z ~ N(0, 1), the prior of nearly every GAN since DCGAN (Radford et al. 2016 itself took U[-1, 1])."""

    def __call__(self, draw: Draw, batch: int, latent_dim: int) -> Latents:
        """Latents [batch, latent_dim]."""
        return draw.normal("z", (batch, latent_dim))


@dataclass(frozen=True)
class Uniform:
    """z ~ U[-1, 1) (Radford et al. 2016, section 4)."""

    def __call__(self, draw: Draw, batch: int, latent_dim: int) -> Latents:
        """Latents [batch, latent_dim]."""
        return 2 * draw.uniform("z", (batch, latent_dim)) - 1


@dataclass(frozen=True)
class TruncatedNormal:
    """z ~ N(0, 1) conditioned on |z| <= ``limit``. Brock et al. 2019 (BigGAN), sec. 3.1, who truncate when sampling.

    By the inverse of the distribution function and not by drawing again, so that one draw is enough.
    """

    limit: float = 2.0

    def __post_init__(self) -> None:
        """Check the limit.

        Raises:
            UserError: if it is not positive.
        """
        if self.limit <= 0:
            raise UserError(f"prior.limit is {self.limit}, but must be more than 0.")

    def __call__(self, draw: Draw, batch: int, latent_dim: int) -> Latents:
        """Latents [batch, latent_dim]."""
        mass = math.erf(self.limit / math.sqrt(2))  # P(|z| <= limit)
        z = math.sqrt(2) * torch.erfinv(mass * (2 * draw.uniform("z", (batch, latent_dim)) - 1))
        return z.clamp(-self.limit, self.limit)  # what rounding puts beyond it
