"""The mapping network of StyleGAN (Karras et al. 2019, https://arxiv.org/abs/1812.04948, sec. 2), and labels in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.networks.parts.conditioning import Conditional, one_hot
from gan_lightning.networks.parts.equalized import EqualizedLinear, ScaledLeakyReLU
from gan_lightning.types import Labels, Latents, Logits

LR_MULTIPLIER = 0.01
EPSILON = 1e-8
Vectors = Float[Tensor, "B F"]


def mapping_network(features_in: int, features_out: int, count: int) -> nn.Sequential:
    """``count`` layers that learn at a hundredth of the rate.

    Raises:
        UserError: if there are none.
    """
    if count < 1:
        raise UserError(f"mapping_layers={count}: the mapping network has at least one layer.")
    layers: list[nn.Module] = []
    for size in [features_in, *[features_out] * (count - 1)]:
        layers += [EqualizedLinear(size, features_out, lr_multiplier=LR_MULTIPLIER), ScaledLeakyReLU()]
    return nn.Sequential(*layers)


def normalized(x: Vectors) -> Vectors:
    """Vectors whose squares have the mean 1."""
    vectors: Tensor = x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()
    return vectors


class NormalizedLatents(Conditional):
    """z / sqrt(mean of its squares), whatever the labels."""

    def __init__(self, latent_dim: int, style_dim: int, num_classes: int) -> None:
        """Make one for vectors of ``latent_dim``; they become vectors of ``features``."""
        super().__init__()
        self.features = latent_dim

    def forward(self, z: Latents, y: Labels | None = None) -> Vectors:
        """Vectors [B F]."""
        return normalized(z)


class LabelledLatents(Conditional):
    """[z, embedding of y], each normalised."""

    def __init__(self, latent_dim: int, style_dim: int, num_classes: int) -> None:
        """Make one for vectors of ``latent_dim``; they become vectors of ``features``."""
        super().__init__()
        self.features = latent_dim + style_dim
        self.embedding = LabelEmbedding(num_classes, style_dim)

    def forward(self, z: Latents, y: Labels | None = None) -> Vectors:
        """Vectors [B F]."""
        return torch.cat([normalized(z), self.embedding(y)], 1)


class LabelEmbedding(nn.Module):
    """Labels [B] -> normalised vectors [B F]."""

    def __init__(self, num_classes: int, features: int) -> None:
        """Make one."""
        super().__init__()
        self.num_classes = num_classes
        self.linear = EqualizedLinear(num_classes, features)

    def forward(self, y: Labels | None) -> Vectors:
        """Vectors [B F]."""
        return normalized(self.linear(one_hot(y, self.num_classes)))


class EqualizedHead(Conditional):
    """Features [B F] -> logits [B], whatever the labels."""

    def __init__(self, features: int, num_classes: int, mapping_layers: int) -> None:
        """Make one for vectors of ``features``."""
        super().__init__()
        self.linear = EqualizedLinear(features, 1)

    def forward(self, h: Vectors, y: Labels | None = None) -> Logits:
        """Logits [B]."""
        logits: Logits = self.linear(h).squeeze(1)
        return logits


class MappedProjectionHead(Conditional):
    """logit = <A h, f(y)> / sqrt(F), f a mapping network (Karras et al. 2020, StyleGAN2-ADA's code)."""

    def __init__(self, features: int, num_classes: int, mapping_layers: int) -> None:
        """Make one for vectors of ``features``."""
        super().__init__()
        self.linear = EqualizedLinear(features, features)
        embedding = LabelEmbedding(num_classes, features)
        self.label = nn.Sequential(embedding, mapping_network(features, features, mapping_layers))
        self.scale = features**-0.5

    def forward(self, h: Vectors, y: Labels | None = None) -> Logits:
        """Logits [B]."""
        logits: Logits = self.scale * (self.linear(h) * self.label(y)).sum(1)
        return logits


LATENTS: Mapping[str, Callable[[int, int, int], NormalizedLatents | LabelledLatents]] = {
    "none": NormalizedLatents,
    "mapping": LabelledLatents,
}
"""What stands before the mapping network, by conditioning: called with (latent_dim, style_dim, num_classes)."""

HEADS: Mapping[str, Callable[[int, int, int], Conditional]] = {
    "none": EqualizedHead,
    "projection": MappedProjectionHead,
}
"""The end of D, by conditioning: called with (features, num_classes, mapping_layers); takes (h [B F], y)."""
