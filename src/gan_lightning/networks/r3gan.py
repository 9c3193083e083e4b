"""R3GAN (Huang et al. 2024, https://arxiv.org/abs/2501.05441), whose Config E is a residual network without norms.

Each resolution has ``blocks`` inverted bottlenecks with a grouped convolution. Two resolutions are joined by bilinear
interpolation and, if their widths differ, a 1 x 1 convolution. Every residual branch starts at zero, so that a new
network is linear between its first and its last layer. The sizes of the authors' CIFAR-10 preset are ``width`` 768,
``max_width`` 768 and ``blocks`` 2, those of their FFHQ-64 preset 384, 768 and 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator, classes_for, conditioning_of, doublings
from gan_lightning.networks.parts.conditioning import (
    MAPS,
    AuxiliaryHead,
    ClassEmbedding,
    ConcatenatedLatents,
    Conditional,
    PlainHead,
    required,
)
from gan_lightning.networks.parts.fixup import Basis, change_of_width, residual_blocks, scaled
from gan_lightning.networks.parts.pyramid import Downsample, Upsample, capped_widths
from gan_lightning.types import Images, Labels, Latents, Logits, Verdict


class R3GANGenerator(Generator):
    """The generator of R3GAN, which turns latents [B Z] into images [B C H W].

    The latents weigh learned maps, and residual blocks and interpolation enlarge the result. The output is linear: no
    tanh bounds it, so that D alone keeps it in [-1, 1].

    Args:
        latent_dim: Number of latent dimensions Z.
        width: Number of channels at the full resolution; each map of half the side has twice as many.
        max_width: The largest number of channels.
        blocks: Number of residual blocks at each resolution.
        group_width: Number of channels in a group of the grouped convolutions.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = ("none", "concat")
    OWN: ClassVar[str] = "concat"

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        latent_dim: int = 64,
        width: int = 16,
        max_width: int = 64,
        blocks: int = 1,
        group_width: int = 16,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.latents = LATENTS[conditioning_of(type(self), conditioning)](latent_dim, self.num_classes)
        first_map, count = doublings(resolution)
        widths = capped_widths(width, max_width, count)
        residuals = partial(residual_blocks, blocks=blocks, group_width=group_width, depth=blocks * len(widths))
        layers: list[nn.Module] = [Basis(self.latents.features, widths[0], first_map), *residuals(widths[0])]
        for width_in, width_out in pairwise(widths):
            layers += [*change_of_width(width_in, width_out), Upsample(), *residuals(width_out)]
        self.layers = nn.Sequential(*layers, scaled(nn.Conv2d(widths[-1], channels, 1, bias=False)))

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        images: Images = self.layers(self.latents(z, y))
        return images


class R3GANDiscriminator(Discriminator):
    """The discriminator of R3GAN, which turns images [B C H W] into logits [B].

    It mirrors :class:`R3GANGenerator`, whose arguments it has but for ``latent_dim``. Residual blocks and interpolation
    reduce the image, and a head sees one weighted sum of each of the last maps.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = ("none", "concat", "projection", "auxiliary")

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 16,
        max_width: int = 64,
        blocks: int = 1,
        group_width: int = 16,
    ) -> None:
        super().__init__()
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.input = MAPS[conditioning](channels, self.num_classes)
        first_map, count = doublings(resolution)
        widths = capped_widths(width, max_width, count)[::-1]
        residuals = partial(residual_blocks, blocks=blocks, group_width=group_width, depth=blocks * len(widths))
        layers: list[nn.Module] = [scaled(nn.Conv2d(self.input.features, widths[0], 1, bias=False))]
        for width_in, width_out in pairwise(widths):
            layers += [*residuals(width_in), Downsample(), *change_of_width(width_in, width_out)]
        last = widths[-1]
        layers += [*residuals(last), scaled(nn.Conv2d(last, last, first_map, groups=last, bias=False)), nn.Flatten()]
        self.layers = nn.Sequential(*layers)
        self.head = HEADS[conditioning](last, self.num_classes)

    def forward(self, x: Images, y: Labels | None = None) -> Logits | Verdict:
        """Logits [B] of images [B C H W], with class logits beside them if there is an auxiliary classifier."""
        verdict: Logits | Verdict = self.head(self.layers(self.input(x, y)), y)
        return verdict


class EmbeddedLatents(Conditional):
    """Appends an embedding of the labels y, as long as the latents, to latents z [B Z]."""

    def __init__(self, latent_dim: int, num_classes: int) -> None:
        super().__init__()
        self.features = 2 * latent_dim
        self.embedding = ClassEmbedding(num_classes, latent_dim)
        nn.init.normal_(self.embedding.weight, std=num_classes**-0.5)  # as of a linear layer on one-hot labels

    def forward(self, z: Latents, y: Labels | None = None) -> Float[Tensor, "B 2*Z"]:
        """Vectors [B 2Z] of latents [B Z]."""
        return torch.cat([z, self.embedding(required(y))], 1)


class ProductHead(Conditional):
    """The logit `<A h, embedding of y>`, which is a projection discriminator without the term that knows no labels."""

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.linear = scaled(nn.Linear(features, features, bias=False))
        self.embedding = nn.Embedding(num_classes, features)
        nn.init.normal_(self.embedding.weight, std=(num_classes * features) ** -0.5)

    def forward(self, h: Float[Tensor, "B F"], y: Labels | None = None) -> Logits:
        """Logits [B] of features [B F]."""
        logits: Logits = (self.linear(h) * self.embedding(required(y))).sum(1)
        return logits


def plain_head(features: int, num_classes: int) -> nn.Module:
    """A head that ignores labels: a linear layer without a bias."""
    return scaled(PlainHead(features, 1, bias=False))


LATENTS: Mapping[str, Callable[[int, int], ConcatenatedLatents | EmbeddedLatents]] = {
    "none": ConcatenatedLatents,
    "concat": EmbeddedLatents,
}
"""The layer in front of G for each conditioning, made from (latent_dim, num_classes)."""

HEADS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "none": plain_head,
    "concat": plain_head,
    "projection": ProductHead,
    "auxiliary": AuxiliaryHead,
}
"""The head of D for each conditioning, made from (features, num_classes) and called with (h [B F], y)."""
