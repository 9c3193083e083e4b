"""StyleGAN's mapping network, with or without labels (Karras et al. 2019, https://arxiv.org/abs/1812.04948, sec. 2)."""

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
    """A mapping network of ``count`` layers, whose learning rate is a hundredth of that of other layers.

    Raises:
        UserError: If ``count`` is below 1.
    """
    if count < 1:
        raise UserError(f"mapping_layers={count}: the mapping network has at least one layer.")
    layers: list[nn.Module] = []
    for size in [features_in, *[features_out] * (count - 1)]:
        layers += [EqualizedLinear(size, features_out, lr_multiplier=LR_MULTIPLIER), ScaledLeakyReLU()]
    return nn.Sequential(*layers)


def normalized(x: Vectors) -> Vectors:
    """Vectors scaled so that the squares of their elements have the mean 1."""
    vectors: Tensor = x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()
    return vectors


class NormalizedLatents(Conditional):
    """Latents z [B Z] scaled so that the squares of their elements have the mean 1; labels are ignored."""

    def __init__(self, latent_dim: int, style_dim: int, num_classes: int) -> None:
        super().__init__()
        self.features = latent_dim

    def forward(self, z: Latents, y: Labels | None = None) -> Vectors:
        """Vectors [B F] of latents [B Z], where F is ``features``."""
        return normalized(z)


class LabelledLatents(Conditional):
    """Latents z [B Z] with an embedding of the labels beside them, both scaled to squares with the mean 1."""

    def __init__(self, latent_dim: int, style_dim: int, num_classes: int) -> None:
        super().__init__()
        self.features = latent_dim + style_dim
        self.embedding = LabelEmbedding(num_classes, style_dim)

    def forward(self, z: Latents, y: Labels | None = None) -> Vectors:
        """Vectors [B F] of latents [B Z], where F is ``features``."""
        return torch.cat([normalized(z), self.embedding(y)], 1)


class LabelEmbedding(nn.Module):
    """A learned embedding of labels, whose vectors [B F] are scaled to squares with the mean 1."""

    def __init__(self, num_classes: int, features: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.linear = EqualizedLinear(num_classes, features)

    def forward(self, y: Labels | None) -> Vectors:
        """Vectors [B F] of the labels."""
        return normalized(self.linear(one_hot(y, self.num_classes)))


class EqualizedHead(Conditional):
    """A linear layer with an equalised learning rate from features [B F] to logits [B], which ignores labels."""

    def __init__(self, features: int, num_classes: int, mapping_layers: int) -> None:
        super().__init__()
        self.linear = EqualizedLinear(features, 1)

    def forward(self, h: Vectors, y: Labels | None = None) -> Logits:
        """Logits [B] of features [B F]."""
        logits: Logits = self.linear(h).squeeze(1)
        return logits


class MappedProjectionHead(Conditional):
    """The logit `<A h, f(y)>/√F` of features h [B F], where f is a mapping network of the labels.

    This is the projection discriminator of StyleGAN2-ADA's code (Karras et al. 2020).
    """

    def __init__(self, features: int, num_classes: int, mapping_layers: int) -> None:
        super().__init__()
        self.linear = EqualizedLinear(features, features)
        embedding = LabelEmbedding(num_classes, features)
        self.label = nn.Sequential(embedding, mapping_network(features, features, mapping_layers))
        self.scale = features**-0.5

    def forward(self, h: Vectors, y: Labels | None = None) -> Logits:
        """Logits [B] of features [B F]."""
        logits: Logits = self.scale * (self.linear(h) * self.label(y)).sum(1)
        return logits


LATENTS: Mapping[str, Callable[[int, int, int], NormalizedLatents | LabelledLatents]] = {
    "none": NormalizedLatents,
    "mapping": LabelledLatents,
}
"""The layer in front of the mapping network for each conditioning, made from (latent_dim, style_dim, num_classes)."""

HEADS: Mapping[str, Callable[[int, int, int], Conditional]] = {
    "none": EqualizedHead,
    "projection": MappedProjectionHead,
}
"""The head of D for each conditioning, made from (features, num_classes, mapping_layers), called with (h [B F], y)."""
