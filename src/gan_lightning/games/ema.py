"""The moving average of the generator, which is what samples and metrics are taken from."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from gan_lightning.errors import UserError

SMALLEST_HALF_LIFE = 1e-8
"""Smallest half-life in images, which keeps the decay defined: it underflows to 0, so that the average is a copy."""


class MovingAverage(nn.Module):
    """A copy of a network whose parameters are an exponential moving average (EMA), by images and not by steps.

    With `B` images per update and the half-life `h` in images, the decay is `0.5^(B / h)`: after `h` images half of the
    old average is left, whatever the batch size. In the beginning ``ramp`` shortens it to `h = min(half-life, ramp n)`
    with `n` images seen before the update's own, so that the random initial weights are forgotten: the first update
    makes the average a copy (Karras et al. 2020, StyleGAN2-ADA's code). Buffers, such as batch norm's statistics, are
    copied. The copy stays in evaluation mode and takes no gradient.

    Buffers that weights are computed with are not copied but follow the averaged weights by themselves: with the other
    network's singular vectors spectral normalisation would leave them up to a few percent too large.
    """

    def __init__(self, model: nn.Module, half_life_kimg: float, ramp: float | None = None) -> None:
        """Copy ``model``; a ``half_life_kimg`` of 0 keeps a plain copy, a ``ramp`` of None is no ramp.

        Raises:
            UserError: If ``half_life_kimg`` is negative or ``ramp`` is not positive.
        """
        super().__init__()
        if half_life_kimg < 0:
            raise UserError(f"ema.half_life_kimg is {half_life_kimg}, but must be 0 (no average) or more.")
        if ramp is not None and ramp <= 0:
            raise UserError(f"ema.ramp is {ramp}, but must be more than 0, or null for no ramp.")
        self.half_life_kimg = half_life_kimg
        self.ramp = ramp
        self.model = deepcopy(model).eval().requires_grad_(False)
        self.follow(model)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged network makes of the arguments."""
        return self.model(*args, **kwargs)

    def train(self, mode: bool = True) -> MovingAverage:
        """Stay in evaluation mode."""
        return self

    def decay(self, images_per_update: int, images_before: int) -> float:
        """The share of the old average that an update keeps."""
        half_life = 1000 * self.half_life_kimg
        if self.ramp is not None:
            half_life = min(half_life, self.ramp * images_before)
        return float(0.5 ** (images_per_update / max(half_life, SMALLEST_HALF_LIFE)))

    @torch.no_grad()
    def update(self, images_per_update: int, images_before: int) -> None:
        """Move towards the model that is followed.

        Args:
            images_per_update: Number of real images in one update of the network, over all processes.
            images_before: Number of real images seen from the run's start to the end of the iteration before.
        """
        weight = 1 - self.decay(images_per_update, images_before)
        torch._foreach_lerp_(self._averages, self._followed, weight)
        for copy, buffer in self._copied:
            copy.copy_(buffer)
        for computed in self._computed:
            computed.train()()  # in training mode a step of power iteration goes with it
            computed.eval()

    def follow(self, model: nn.Module) -> None:
        """Remember what follows what: walking the modules in every update would cost more than a small one's update.

        Call it again when either has been moved to another device.
        """
        self._averages: list[Tensor] = list(self.model.parameters())
        self._followed: list[Tensor] = list(model.parameters())
        self._computed = [module for module in self.model.modules() if isinstance(module, ParametrizationList)]
        own = {id(buffer) for computed in self._computed for buffer in computed.buffers()}
        pairs = zip(self.model.buffers(), model.buffers(), strict=True)
        self._copied = [(copy, buffer) for copy, buffer in pairs if id(copy) not in own]
