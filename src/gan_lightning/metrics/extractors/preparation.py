"""Turns bytes of any size, grey or colour, into the images that a network takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from gan_lightning.errors import UserError
from gan_lightning.types import Bytes

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""


def with_exact_channels(images: Bytes, channels: int) -> Float[Tensor, "B {channels} H W"]:
    """The images with ``channels`` channels as floats 0..255, not rounded: grey is repeated, colour becomes luma.

    Raises:
        UserError: If there is no rule for these two numbers of channels.
    """
    own = images.shape[1]
    x = images.to(torch.float32)
    if own == channels:
        return x
    if (own, channels) == (1, 3):
        return x.expand(-1, 3, -1, -1)
    if (own, channels) == (3, 1):
        return (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    raise UserError(f"the extractor takes images with {channels} channels, and can't make them of {own}")


@dataclass(frozen=True)
class Square:
    """Turns bytes of any size, grey or colour, into images in [-1, 1] of the size that a network takes.

    Args:
        channels: Number of channels that the network takes, 1 or 3.
        resolution: Height and width in pixels that the network takes.
    """

    channels: int
    resolution: int

    def __call__(self, images: Bytes) -> Float[Tensor, "B {self.channels} {self.resolution} {self.resolution}"]:
        """Turn bytes [B, C, H, W] into images [B, channels, resolution, resolution]."""
        x = with_exact_channels(images, self.channels)
        size = (self.resolution, self.resolution)
        if x.shape[-2:] != size:
            x = interpolate(x, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)
        return x / 127.5 - 1

    def __str__(self) -> str:
        size = f"{self.resolution} x {self.resolution}"
        return f"to {size} {'grey' if self.channels == 1 else 'colour'}, bicubic, antialiased when it shrinks"
