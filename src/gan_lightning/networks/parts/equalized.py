"""Layers with an equalised learning rate (Karras et al. 2018, https://arxiv.org/abs/1710.10196, sec. 4.1).

Stored weights start from N(0, 1) and are multiplied by He's constant in every forward pass. An optimizer such as Adam,
whose step does not depend on the size of the gradient, then changes every layer by the same share of its range. This is
why such networks take ten times the learning rate of DCGAN.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, linear

SLOPE = 0.2


class EqualizedLinear(nn.Module):
    """A linear layer with an equalised learning rate.

    Args:
        features_in: Number of features of the input.
        features_out: Number of features of the output.
        bias: Initial value of the bias.
        lr_multiplier: `m`, by which the layer learns faster than others. The weights start from `N(0, 1/m²)`, and
            weights and biases are multiplied by `m`, so the initial outputs do not depend on it.
    """

    def __init__(self, features_in: int, features_out: int, *, bias: float = 0.0, lr_multiplier: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features_out, features_in))
        self.bias = nn.Parameter(torch.full((features_out,), bias / lr_multiplier))
        nn.init.normal_(self.weight, std=1 / lr_multiplier)
        self.scale = lr_multiplier * features_in**-0.5
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Float[Tensor, "B I"]) -> Float[Tensor, "B O"]:
        """`x Wᵀ + b`, with the scaled weights W and biases b."""
        return linear(x, self.scale * self.weight, self.lr_multiplier * self.bias)


class EqualizedConv2d(nn.Module):
    """A convolution with an equalised learning rate.

    Its arguments are those of ``nn.Conv2d``, but a ``padding`` of None keeps the side of the maps at stride 1.
    """

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
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width_out, width_in, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(width_out)) if bias else None
        nn.init.normal_(self.weight)
        self.scale = self.weight[0].numel() ** -0.5
        self.stride = stride
        self.padding = kernel_size // 2 if padding is None else padding

    def forward(self, x: Float[Tensor, "B I H W"]) -> Float[Tensor, "B O h w"]:
        """The convolution of ``x`` with the scaled weights."""
        return conv2d(x, self.scale * self.weight, self.bias, self.stride, self.padding)


class ScaledLeakyReLU(nn.Module):
    """`√2 leaky_relu(x)` with the slope 0.2, whose variance is about that of its input.

    The factor belongs to the activation because He's constant has no gain for it here.
    """

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The activation of each element of ``x``."""
        return leaky_relu(x, SLOPE) * 2**0.5
