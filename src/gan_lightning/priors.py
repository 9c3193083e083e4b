"""Where latents come from."""

from __future__ import annotations

from dataclasses import dataclass

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
