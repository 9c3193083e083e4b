"""Layers with an equalised learning rate (Karras et al. 2018, https://arxiv.org/abs/1710.10196, sec. 4.1).

Stored weights start as N(0, 1) and are multiplied by He's constant in every forward pass. An optimizer such as Adam,
whose step does not depend on the size of the gradient, then changes every layer by the same share of its range. It is
why these networks take ten times DCGAN's learning rate.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, linear

SLOPE = 0.2


class EqualizedLinear(nn.Module):
    """[B I] -> [B O].

    With ``lr_multiplier`` m the weights start as N(0, 1 / m^2) and weights and biases are multiplied by m, which
    leaves the initial outputs as they are and makes the layer learn at m times the rate. ``bias`` is its initial value.
    """

    def __init__(self, features_in: int, features_out: int, *, bias: float = 0.0, lr_multiplier: float = 1.0) -> None:
        """Make a layer."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features_out, features_in))
        self.bias = nn.Parameter(torch.full((features_out,), bias / lr_multiplier))
        nn.init.normal_(self.weight, std=1 / lr_multiplier)
        self.scale = lr_multiplier * features_in**-0.5
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Float[Tensor, "B I"]) -> Float[Tensor, "B O"]:
        """X W^T + b."""
        return linear(x, self.scale * self.weight, self.lr_multiplier * self.bias)


class EqualizedConv2d(nn.Module):
    """[B I H W] -> [B O h w], by default of the same side."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
    ) -> None:
        """Make a layer; a ``padding`` of None keeps the side at stride 1."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width_out, width_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(width_out)) if bias else None
        nn.init.normal_(self.weight)
        self.scale = self.weight[0].numel() ** -0.5
        self.stride = stride
        self.padding = kernel_size // 2 if padding is None else padding

    def forward(self, x: Float[Tensor, "B I H W"]) -> Float[Tensor, "B O h w"]:
        """The convolution."""
        return conv2d(x, self.scale * self.weight, self.bias, self.stride, self.padding)


class ScaledLeakyReLU(nn.Module):
    """sqrt(2) times leaky ReLU of slope 0.2: about the variance of its input, where He's constant has no gain in it."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The same shape."""
        return leaky_relu(x, SLOPE) * 2**0.5
