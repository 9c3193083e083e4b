"""Residual blocks that train without normalisation, which their initial weights alone make possible.

The initial weights are those of Fixup (Zhang et al. 2019, https://arxiv.org/abs/1901.09321), the blocks those of R3GAN
(Huang et al. 2024, https://arxiv.org/abs/2501.05441, sec. 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.types import Latents

SLOPE = 0.2
EXPANSION = 2
"""Number of channels inside a block for each channel outside, which makes it an inverted bottleneck."""


def scaled(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """The layer with weights drawn from `N(0, gain²/fan-in)` and biases of zero (He et al. 2015, eq. 10)."""
    nn.init.normal_(layer.weight, std=gain * layer.weight[0].numel() ** -0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class FixupResidual(nn.Module):
    """`x + f(x)`, where f is an inverted bottleneck: a 1 x 1, a grouped 3 x 3 and a 1 x 1 convolution.

    Between the convolutions are leaky ReLUs. The initial weights are those of Fixup: the last layer is zero, and the
    other two are scaled by `L^(-1/(2m - 2))` for L blocks in the network and m = 3 layers in each, so that an update
    changes the output by as much at any depth. A bias of a convolution here is what R3GAN calls a bias of the
    activation.

    Args:
        width: Number of channels of the maps.
        group_width: Number of channels in a group of the grouped convolution. If it does not divide the channels inside
            the block, the groups are narrower.
        depth: `L`, the number of blocks in the network.
    """

    def __init__(self, width: int, group_width: int, depth: int) -> None:
        super().__init__()
        inside = EXPANSION * width
        groups = inside // math.gcd(inside, group_width)
        gain = nn.init.calculate_gain("leaky_relu", SLOPE) * depth ** (-1 / 4)
        self.branch = nn.Sequential(
            scaled(nn.Conv2d(width, inside, 1), gain),
            nn.LeakyReLU(SLOPE),
            scaled(nn.Conv2d(inside, inside, 3, padding=1, groups=groups), gain),
            nn.LeakyReLU(SLOPE),
            scaled(nn.Conv2d(inside, width, 1, bias=False), 0.0),
        )

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Maps of the same shape."""
        maps: Tensor = x + self.branch(x)
        return maps


class Basis(nn.Module):
    """The smallest maps of G: learned maps [C s s], each weighted by a linear function of the latents.

    Args:
        features: Number of dimensions of the latents.
        width: Number of maps C.
        side: Side s of the maps in pixels.
    """

    def __init__(self, features: int, width: int, side: int) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.empty(width, side, side))
        nn.init.normal_(self.maps)
        self.linear = scaled(nn.Linear(features, width, bias=False))

    def forward(self, z: Latents) -> Float[Tensor, "B C s s"]:
        """Maps [B C s s] of latents [B Z]."""
        maps: Tensor = self.maps * self.linear(z)[:, :, None, None]
        return maps


def residual_blocks(width: int, *, blocks: int, group_width: int, depth: int) -> Iterator[FixupResidual]:
    """The residual blocks of one resolution; the arguments are those of :class:`Residual`."""
    return (FixupResidual(width, group_width, depth) for _ in range(blocks))


def change_of_width(width_in: int, width_out: int) -> list[nn.Module]:
    """A 1 x 1 convolution between maps of different widths, or no layer if the widths are equal."""
    return [] if width_in == width_out else [scaled(nn.Conv2d(width_in, width_out, 1, bias=False))]
