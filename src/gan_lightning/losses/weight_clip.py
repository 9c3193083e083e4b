"""Weight clipping, the constraint on D of the first Wasserstein GAN (WGAN)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan_lightning.errors import UserError


@dataclass(frozen=True)
class WeightClip:
    """Clips every parameter of D, also the gains and biases of its norms, to [-limit, limit].

    It is called after each step of D's optimizer. Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, Algorithm 1.
    """

    limit: float = 0.01

    def __post_init__(self) -> None:
        """Check the limit.

        Raises:
            UserError: If it is not positive.
        """
        if self.limit <= 0:
            raise UserError(f"constraint.weight_clip.limit is {self.limit}, but must be more than 0.")

    @torch.no_grad()
    def __call__(self, discriminator: nn.Module) -> None:
        """Clip the parameters in place."""
        parameters: list[Tensor] = list(discriminator.parameters())
        torch._foreach_clamp_min_(parameters, -self.limit)
        torch._foreach_clamp_max_(parameters, self.limit)
