"""Modulated convolutions of StyleGAN2 and its layers (Karras et al. 2020, https://arxiv.org/abs/1912.04958, sec. 2.2).

A style scales the weights of a convolution for each input channel and sample (eq. 1), and demodulation divides them by
their norm for each output channel (eq. 3). Both are factors that can be taken out of the convolution: the style is
applied to its input and the norm to its output, so that all samples share one convolution.
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
    """A convolution with the weights `s_i w_oik`, where the scales `s` are a linear function of each sample's style.

    The scales of the I input channels start around 1.
    """

    def __init__(self, style_dim: int, width_in: int, width_out: int, kernel_size: int) -> None:
        super().__init__()
        self.style = EqualizedLinear(style_dim, width_in, bias=1.0)
        self.weight = nn.Parameter(torch.empty(width_out, width_in, kernel_size, kernel_size))
        nn.init.normal_(self.weight)
        self.scale = self.weight[0].numel() ** -0.5

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B O h w"]:
        """Maps [B O h w] of maps [B I h w] and styles [B S]."""
        scales = self.style(style)
        return self.convolve(x * scales[:, :, None, None], self.scale * self.weight)

    def convolve(self, x: Maps, weight: Float[Tensor, "O I k k"]) -> Float[Tensor, "B O h w"]:
        """The convolution of scaled maps with the weights that all samples share."""
        return conv2d(x, weight, padding=weight.shape[-1] // 2)


class DemodulatedConv2d(ModulatedConv2d):
    """A modulated convolution whose weights have norm 1 for each sample and output channel.

    The weights are `s_i w_oik / √(Σ_ik (s_i w_oik)²)`.
    """

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B O h w"]:
        """Maps [B O h w] of maps [B I H W] and styles [B S]."""
        scales = self.style(style)
        weight = self.scale * self.weight
        maps = self.convolve(x * scales[:, :, None, None], weight)
        return maps * demodulation(scales, weight).to(maps.dtype)[:, :, None, None]


class UpsamplingConv2d(DemodulatedConv2d):
    """A demodulated convolution that doubles the side: a transposed convolution, whose output is filtered."""

    def __init__(self, style_dim: int, width_in: int, width_out: int, kernel_size: int) -> None:
        super().__init__(style_dim, width_in, width_out, kernel_size)
        self.filter = Filter(padding=1)

    def convolve(self, x: Maps, weight: Float[Tensor, "O I k k"]) -> Float[Tensor, "B O h w"]:
        """The transposed convolution, of side 2n + 1, filtered to 2n; the 4 makes up for the zeros in between."""
        maps: Tensor = self.filter(conv_transpose2d(x, 4 * weight.transpose(0, 1), stride=2))
        return maps


def demodulation(scales: Float[Tensor, "B I"], weight: Float[Tensor, "O I k k"]) -> Float[Tensor, "B O"]:
    """`1/√(Σ_ik (s_i w_oik)²)`, in float32 whatever the precision of the convolution."""
    with without_autocast(scales.device):
        squares = scales.to(weight.dtype).square() @ weight.square().sum((2, 3)).T
        return (squares + EPSILON).rsqrt()


class StyledLayer(nn.Module):
    """A modulated convolution, followed by noise, a bias and a leaky ReLU.

    Args:
        convolution: The convolution.
        width: Number of channels of its output.
        resolution: Side of its output in pixels.
        noise: Whether the layer adds noise.
    """

    def __init__(self, convolution: DemodulatedConv2d, width: int, resolution: int, noise: bool) -> None:
        super().__init__()
        self.convolution = convolution
        self.noise = Noise(resolution) if noise else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.activation = ScaledLeakyReLU()

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B O h w"]:
        """Maps [B O h w] of maps [B I H W] and styles [B S]."""
        maps: Tensor = self.activation(self.noise(self.convolution(x, style)) + self.bias)
        return maps


class Noise(nn.Module):
    """`x + strength n`, with one `n ~ N(0, 1)` for each sample and pixel; the strength is learned and starts at 0.

    In training n comes from torch's default generator like the random numbers of dropout, which is seeded anew in each
    update and differently in each process. In evaluation n is always the same map.
    """

    fixed: Tensor

    def __init__(self, resolution: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", nn.init.normal_(torch.empty(resolution, resolution)))

    def forward(self, x: Maps) -> Maps:
        """Maps with the noise added."""
        noise = torch.randn_like(x[:, :1]) if self.training else self.fixed
        maps: Tensor = x + self.strength * noise
        return maps


class ToImage(nn.Module):
    """The images that one resolution contributes: a modulated 1 x 1 convolution of its maps, not demodulated."""

    def __init__(self, style_dim: int, width: int, channels: int) -> None:
        super().__init__()
        self.convolution = ModulatedConv2d(style_dim, width, channels, 1)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Maps, style: Styles) -> Float[Tensor, "B c H W"]:
        """Images [B c H W], which have the side of the maps."""
        images: Tensor = self.convolution(x, style) + self.bias
        return images
