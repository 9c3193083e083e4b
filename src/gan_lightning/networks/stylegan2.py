"""StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958), its config F at sizes that fit the resolution.

A mapping network turns latents into styles that modulate every convolution of G; G's images are sums over the
resolutions (skip), D is residual. The paper's sizes at 1024 x 1024 pixels are ``width`` 32, ``max_width`` 512,
``latent_dim`` and ``style_dim`` 512, 8 ``mapping_layers`` and ``noise``. Style mixing and the penalty on path lengths
are left out, and one style is given to all layers.
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
    """Latents [B Z] -> styles [B S] -> linear images [B C H W].

    The output isn't squashed: D alone keeps it in [-1, 1]. ``width`` is the number of channels at the full resolution;
    each map of half the side has twice as many, up to ``max_width``. ``noise`` adds to each map one that is drawn anew
    for every sample in training, and fixed in evaluation, where latents then stand for one image.
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
        """Make a generator of square images."""
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
        batch = style.shape[0]  # not len(style): what is traced would then have this size for ever
        x = self.first(self.constant.expand(batch, -1, -1, -1), style)
        images: Images = self.first_to_image(x, style)
        for block in self.blocks:
            x, images = block(x, images, style)
        return images


class StyleGAN2Discriminator(Discriminator):
    """Images [B C H W] -> residual blocks, reduced in turn -> minibatch standard deviation -> logits [B].

    Its arguments are those of :class:`StyleGAN2Generator`, which it mirrors; ``mapping_layers`` are those of the label.
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
        """Make a discriminator of square images; ``group`` is that of :class:`MinibatchStd`."""
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
    """Maps and images [B C H W] -> both at twice the side."""

    def __init__(
        self, style_dim: int, width_in: int, width_out: int, channels: int, resolution: int, noise: bool
    ) -> None:
        """Make the block of a ``resolution``."""
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
        """Maps and images of twice the side; what this resolution adds to the images is all that it does to them."""
        x = self.layer(self.enlarge(x, style), style)
        return x, self.upsample(images) + self.to_image(x, style)


class ResidualBlock(nn.Module):
    """Maps -> maps of half the side: (skip(x) + f(x)) / sqrt(2), f two 3 x 3 convolutions."""

    def __init__(self, width_in: int, width_out: int) -> None:
        """Make a block; both of its ways filter before they take every second pixel."""
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
        """Maps [B O H/2 W/2]."""
        maps: Tensor = (self.skip(x) + self.branch(x)) * 0.5**0.5
        return maps
