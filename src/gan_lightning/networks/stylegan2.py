"""StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958), in its config F at sizes that fit the resolution.

A mapping network turns latents into styles, which modulate every convolution of G. G's images are sums over the
resolutions (skip connections), and D is residual. The paper's sizes at 1024 x 1024 pixels are ``width`` 32,
``max_width`` 512, ``latent_dim`` and ``style_dim`` 512, and 8 ``mapping_layers``, with ``noise``. Style mixing and path
length regularisation are left out, and all layers get the same style.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator, classes_for, conditioning_of, doublings
from gan_lightning.networks.parts.equalized import EqualizedConv2d, EqualizedLinear, ScaledLeakyReLU
from gan_lightning.networks.parts.mapping import HEADS, LATENTS, mapping_network
from gan_lightning.networks.parts.minibatch_std import MinibatchStd
from gan_lightning.networks.parts.modulated import DemodulatedConv2d, StyledLayer, Styles, ToImage, UpsamplingConv2d
from gan_lightning.networks.parts.pyramid import Downsample, Filter, Upsample, capped_widths
from gan_lightning.types import Images, Labels, Latents, Logits


class StyleGAN2Generator(Generator):
    """The generator of StyleGAN2, which turns latents [B Z] into styles [B S] and those into images [B C H W].

    The output is linear: no tanh bounds it, so that D alone keeps it in [-1, 1].

    Args:
        latent_dim: Number of latent dimensions Z.
        style_dim: Number of dimensions S of a style.
        mapping_layers: Number of layers of the mapping network.
        width: Number of channels at the full resolution; each map of half the side has twice as many.
        max_width: The largest number of channels.
        noise: Whether every layer adds a map of random numbers. It is drawn anew for every sample in training and
            fixed in evaluation, where the same latents thus always give the same image.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = ("none", "mapping")
    OWN: ClassVar[str] = "mapping"

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        latent_dim: int = 64,
        style_dim: int = 64,
        mapping_layers: int = 2,
        width: int = 16,
        max_width: int = 64,
        noise: bool = False,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.latents = LATENTS[conditioning_of(type(self), conditioning)](latent_dim, style_dim, self.num_classes)
        self.mapping = mapping_network(self.latents.features, style_dim, mapping_layers)
        first_map, count = doublings(resolution)
        widths = capped_widths(width, max_width, count)
        self.constant = nn.Parameter(torch.empty(widths[0], first_map, first_map))
        nn.init.normal_(self.constant)
        convolution = DemodulatedConv2d(style_dim, widths[0], widths[0], 3)
        self.first = StyledLayer(convolution, widths[0], first_map, noise)
        self.first_to_image = ToImage(style_dim, widths[0], channels)
        self.blocks = nn.ModuleList(
            SynthesisBlock(style_dim, width_in, width_out, channels, first_map * 2**i, noise)
            for i, (width_in, width_out) in enumerate(pairwise(widths), start=1)
        )

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        return self.synthesis(self.styles(z, y))

    def styles(self, z: Latents, y: Labels | None = None) -> Styles:
        """Styles [B S] of latents [B Z]."""
        styles: Styles = self.mapping(self.latents(z, y))
        return styles

    def synthesis(self, style: Styles) -> Images:
        """Images [B C H W] of styles [B S]."""
        batch = style.shape[0]  # not len(style), because a traced network would then take this batch size only
        x = self.first(self.constant.expand(batch, -1, -1, -1), style)
        images: Images = self.first_to_image(x, style)
        for block in self.blocks:
            x, images = block(x, images, style)
        return images


class StyleGAN2Discriminator(Discriminator):
    """The discriminator of StyleGAN2, which turns images [B C H W] into logits [B].

    Residual blocks reduce the image; then follow the minibatch standard deviation, two layers and a head.

    Args:
        mapping_layers: Number of layers of the mapping network of the labels.
        width: Number of channels at the full resolution; each map of half the side has twice as many.
        max_width: The largest number of channels.
        group: Number of samples over which the standard deviation is taken; see :class:`MinibatchStd`.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = ("none", "projection")

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        mapping_layers: int = 2,
        width: int = 16,
        max_width: int = 64,
        group: int = 4,
    ) -> None:
        super().__init__()
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        first_map, count = doublings(resolution)
        widths = capped_widths(width, max_width, count)[::-1]
        last = widths[-1]
        self.layers = nn.Sequential(
            EqualizedConv2d(channels, widths[0], 1),
            ScaledLeakyReLU(),
            *(ResidualBlock(width_in, width_out) for width_in, width_out in pairwise(widths)),
            MinibatchStd(group),
            EqualizedConv2d(last + 1, last, 3),
            ScaledLeakyReLU(),
            nn.Flatten(),
            EqualizedLinear(last * first_map**2, last),
            ScaledLeakyReLU(),
        )
        self.head = HEADS[conditioning](last, self.num_classes, mapping_layers)

    def forward(self, x: Images, y: Labels | None = None) -> Logits:
        """Logits [B] of images [B C H W]."""
        logits: Logits = self.head(self.layers(x), y)
        return logits


class SynthesisBlock(nn.Module):
    """The part of G that doubles the side of the maps and of the images."""

    def __init__(
        self, style_dim: int, width_in: int, width_out: int, channels: int, resolution: int, noise: bool
    ) -> None:
        super().__init__()
        enlarge = UpsamplingConv2d(style_dim, width_in, width_out, 3)
        convolution = DemodulatedConv2d(style_dim, width_out, width_out, 3)
        self.enlarge = StyledLayer(enlarge, width_out, resolution, noise)
        self.layer = StyledLayer(convolution, width_out, resolution, noise)
        self.to_image = ToImage(style_dim, width_out, channels)
        self.upsample = Upsample()

    def forward(
        self, x: Float[Tensor, "B I H W"], images: Float[Tensor, "B C H W"], style: Styles
    ) -> tuple[Tensor, Tensor]:
        """Maps and images of twice the side; the images of this resolution are added to the enlarged ones."""
        x = self.layer(self.enlarge(x, style), style)
        return x, self.upsample(images) + self.to_image(x, style)


class ResidualBlock(nn.Module):
    """`(skip(x) + f(x)) / sqrt(2)` of maps x at half their side, where f are two 3 x 3 convolutions.

    Both branches filter their maps before they take every second pixel.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.skip = nn.Sequential(Downsample(), EqualizedConv2d(width_in, width_out, 1, bias=False))
        self.branch = nn.Sequential(
            EqualizedConv2d(width_in, width_in, 3),
            ScaledLeakyReLU(),
            Filter(padding=2),
            EqualizedConv2d(width_in, width_out, 3, stride=2, padding=0),
            ScaledLeakyReLU(),
        )

    def forward(self, x: Float[Tensor, "B I H W"]) -> Float[Tensor, "B O h w"]:
        """Maps [B O H/2 W/2] of maps [B I H W]."""
        maps: Tensor = (self.skip(x) + self.branch(x)) * 0.5**0.5
        return maps
