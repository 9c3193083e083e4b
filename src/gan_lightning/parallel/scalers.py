"""Mixed precision (float16) training with a gradient scaler for each player."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lightning.fabric.plugins.precision.amp import _optimizer_handles_unscaling
from lightning.pytorch import LightningModule
from lightning.pytorch.plugins import MixedPrecision
from torch import Tensor
from torch.optim import Optimizer

from gan_lightning.types import PLAYERS


class PlayerScalers(MixedPrecision):
    """Lightning's "16-mixed" precision with two gradient scalers, so that D's overflows do not shrink G's scale.

    With one scaler for both players, a lasting overflow in D's gradient penalty would halve the scale until G's
    gradients underflow to zero.

    Args:
        device: The kind of device, such as "cuda".
    """

    def __init__(self, device: str) -> None:
        scalers = {name: torch.amp.GradScaler(device=device) for name in PLAYERS}
        super().__init__("16-mixed", device, scalers["discriminator"])
        self.scalers = scalers

    def pre_backward(self, tensor: Tensor, module: LightningModule) -> Tensor:  # type: ignore[override]
        """Scale the loss by the scaler of the player whose update this is, which its step then uses too."""
        player = module.player
        assert isinstance(player, str)
        self.scaler = self.scalers[player]
        return super().pre_backward(tensor, module)

    def optimizer_step(  # type: ignore[override]
        self, optimizer: Optimizer, model: LightningModule, closure: Callable[[], Any], **kwargs: Any
    ) -> Any:
        """Unscale the gradients, also of a fused optimizer, which would otherwise do so inside its step.

        Clipping and the logged gradient norms come before that step and need true gradients.
        """
        assert self.scaler is not None
        if _optimizer_handles_unscaling(optimizer):
            self.scaler.unscale_(optimizer)
        return super().optimizer_step(optimizer, model, closure, **kwargs)

    def state_dict(self) -> dict[str, Any]:
        """The scales of both scalers and their growth counters."""
        return {name: scaler.state_dict() for name, scaler in self.scalers.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the scales of both scalers and their growth counters."""
        for name, scaler in self.scalers.items():
            scaler.load_state_dict(state_dict[name])
