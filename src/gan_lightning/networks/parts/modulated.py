"""Modulated convolutions and the layers of them (Karras et al. 2020, https://arxiv.org/abs/1912.04958, sec. 2.2).

A style scales the input channels of a convolution, sample by sample (eq. 1), and demodulation divides each output
channel by the norm that its weights then have (eq. 3). Both are factors that leave the convolution: the style moves to
its input and the norm to its output, so that all samples share one convolution.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from gan_lightning.networks.parts.equalized import EqualizedLinear, ScaledLeakyReLU
from gan_lightning.networks.parts.norms import without_autocast
from gan_lightning.networks.parts.pyramid import Filter

Maps = Float[Tensor, "B I H W"]
Styles = Float[Tensor, "B S"]
EPSILON = 1e-8


class ModulatedConv2d(nn.Module):
    """Maps [B I H W] and styles [B S] -> maps [B O H W] by the weights s_i w_oik, s a linear function of the style."""

    def __init__(self, style_dim: int, width_in: int, width_out: int, kernel_size: int) -> None:
        """Make a layer; the scales of its input channels start around 1."""
        super().__init__()
        self.style = EqualizedLinear(style_dim, width_in, bias=1.0)
        self.weight = nn.Parameter(torch.empty(width_out, width_in, kernel_size, kernel_size))
        nn.init.normal_(self.weight)
        self.scale = self.weight[0].numel() ** -0.5

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B O h w"]:
        """The modulated convolution."""
        scales = self.style(style)
        return self.convolve(x * scales[:, :, None, None], self.scale * self.weight)

    def convolve(self, x: Maps, weight: Float[Tensor, "O I k k"]) -> Float[Tensor, "B O h w"]:
        """The convolution that all samples share."""
        return conv2d(x, weight, padding=weight.shape[-1] // 2)


class DemodulatedConv2d(ModulatedConv2d):
    """The same with weights of norm 1 for each sample and output channel: s_i w_oik / sqrt(sum_ik (s_i w_oik)^2)."""

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B O h w"]:
        """The modulated and demodulated convolution."""
        scales = self.style(style)
        weight = self.scale * self.weight
        maps = self.convolve(x * scales[:, :, None, None], weight)
        return maps * demodulation(scales, weight).to(maps.dtype)[:, :, None, None]


class UpsamplingConv2d(DemodulatedConv2d):
    """The same to twice the side: a transposed convolution, whose output is filtered."""

    def __init__(self, style_dim: int, width_in: int, width_out: int, kernel_size: int) -> None:
        """Make a layer."""
        super().__init__(style_dim, width_in, width_out, kernel_size)
        self.filter = Filter(padding=1)

    def convolve(self, x: Maps, weight: Float[Tensor, "O I k k"]) -> Float[Tensor, "B O h w"]:
        """The transposed convolution of side 2n + 1, filtered to 2n; 4 makes up for the zeros between the pixels."""
        maps: Tensor = self.filter(conv_transpose2d(x, 4 * weight.transpose(0, 1), stride=2))
        return maps


def demodulation(scales: Float[Tensor, "B I"], weight: Float[Tensor, "O I k k"]) -> Float[Tensor, "B O"]:
    """1 / sqrt(sum_ik (s_i w_oik)^2), in float32 whatever the precision of the convolution."""
    with without_autocast(scales.device):
        squares = scales.to(weight.dtype).square() @ weight.square().sum((2, 3)).T
        return (squares + EPSILON).rsqrt()


class StyledLayer(nn.Module):
    """A convolution under a style, then noise, a bias and leaky ReLU."""

    def __init__(self, convolution: DemodulatedConv2d, width: int, resolution: int, noise: bool) -> None:
        """Make a layer around ``convolution``, which gives ``width`` maps of ``resolution``."""
        super().__init__()
        self.convolution = convolution
        self.noise = Noise(resolution) if noise else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.activation = ScaledLeakyReLU()

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B O h w"]:
        """Maps [B O h w]."""
        maps: Tensor = self.activation(self.noise(self.convolution(x, style)) + self.bias)
        return maps


class Noise(nn.Module):
    """x + strength * n, one n ~ N(0, 1) for each sample and pixel; the strength is learned and starts at 0.

    In training n comes from torch's default generator, as dropout does: seeded anew in each update, process by process.
    In evaluation it is always the same map.
    """

    fixed: Tensor

    def __init__(self, resolution: int) -> None:
        """Make it for maps of ``resolution``."""
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", nn.init.normal_(torch.empty(resolution, resolution)))

    def forward(self, x: Maps) -> Maps:
        """Maps of the same shape."""
        noise = torch.randn_like(x[:, :1]) if self.training else self.fixed
        maps: Tensor = x + self.strength * noise
        return maps


class ToImage(nn.Module):
    """What a resolution adds to the images: a modulated 1 x 1 convolution, not demodulated."""

    def __init__(self, style_dim: int, width: int, channels: int) -> None:
        """Make it for maps of ``width``."""
        super().__init__()
        self.convolution = ModulatedConv2d(style_dim, width, channels, 1)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B c H W"]:
        """Images of the maps' side."""
        images: Tensor = self.convolution(x, style) + self.bias
        return images
