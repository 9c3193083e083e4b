"""Priors: the distributions that latents are drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from gan_lightning.errors import UserError
from gan_lightning.types import Draw, Latents


@dataclass(frozen=True)
class Normal:
    """``z ~ N(0, 1)``, the prior of nearly every GAN since DCGAN (Radford et al. 2016 itself took ``U[-1, 1]``)."""

    def __call__(self, draw: Draw, batch: int, latent_dim: int) -> Latents:
        """Latents of the shape [batch, latent_dim]."""
        return draw.normal("z", (batch, latent_dim))

    def truncate(self, z: Latents, limit: float) -> Latents:
        """Turn latents of this prior into latents of :class:`TruncatedNormal` with ``limit``; see :func:`narrowed`."""
        return narrowed(z, math.inf, limit)


@dataclass(frozen=True)
class Uniform:
    """``z ~ U[-1, 1)``, the prior of DCGAN (Radford et al. 2016, section 4)."""

    def __call__(self, draw: Draw, batch: int, latent_dim: int) -> Latents:
        """Latents of the shape [batch, latent_dim]."""
        return 2 * draw.uniform("z", (batch, latent_dim)) - 1

    def truncate(self, z: Latents, limit: float) -> Latents:
        """Turn latents of this prior into latents conditioned on ``|z| <= limit``, which is ``U[-limit, limit)``."""
        return min(limit, 1.0) * z


@dataclass(frozen=True)
class TruncatedNormal:
    """``z ~ N(0, 1)`` conditioned on ``|z| <= limit``.

    Brock et al. 2019 (BigGAN), sec. 3.1, truncate in this way when they sample. Here the inverse of the distribution
    function is used instead of drawing again, so that one draw is enough.
    """

    limit: float = 2.0

    def __post_init__(self) -> None:
        """Check the limit.

        Raises:
            UserError: If it is not positive.
        """
        if self.limit <= 0:
            raise UserError(f"prior.limit is {self.limit}, but must be more than 0.")

    def __call__(self, draw: Draw, batch: int, latent_dim: int) -> Latents:
        """Latents of the shape [batch, latent_dim]."""
        mass = math.erf(self.limit / math.sqrt(2))  # P(|z| <= limit)
        z = math.sqrt(2) * torch.erfinv(mass * (2 * draw.uniform("z", (batch, latent_dim)) - 1))
        return z.clamp(-self.limit, self.limit)  # because rounding may put it beyond

    def truncate(self, z: Latents, limit: float) -> Latents:
        """Turn latents of this prior into latents of one with a smaller ``limit``; see :func:`narrowed`."""
        return narrowed(z, self.limit, min(limit, self.limit))


def narrowed(z: Latents, limit: float, new_limit: float) -> Latents:
    """Turn latents of ``N(0, 1)`` conditioned on ``|z| <= limit`` into latents conditioned on ``|z| <= new_limit``.

    Each element becomes the value with the same quantile: ``z' = F'^-1(F(z))``, where ``F(z) - 1/2`` is proportional to
    ``erf(z / sqrt(2))``. The result has exactly the distribution of Brock et al. 2019 (BigGAN), sec. 3.1, who draw
    values again that are too large. Here a latent stays recognisably itself, and moves steadily as the limit does.
    """
    mass, new_mass = (math.erf(bound / math.sqrt(2)) for bound in (limit, new_limit))
    quantile = torch.erf(z.double() / math.sqrt(2)) * (new_mass / mass)  # in double, because float32 rounds erf(4) to 1
    return (math.sqrt(2) * torch.erfinv(quantile)).clamp(-new_limit, new_limit).to(z.dtype)
