"""How networks take class labels: beside the latents, beside the pixels, in the norms of G or in the head of D.

A conditioning is a name in the tables at the end of this file; a network lists those that it takes in
``CONDITIONINGS``.

| name | in G | in D |
|---|---|---|
| concat | one-hot labels, scaled to the length of z, beside z | one constant plane for each class beside the pixels |
| batch_norm | a gain and a bias for each class in the batch norms | |
| projection | | the inner product of the features with an embedding of the label |
| auxiliary | | a second output that classifies the image |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import one_hot as indicator

from gan_lightning.errors import UserError
from gan_lightning.networks.parts.norms import MAP_NORMS, NormFactory, norm_factory
from gan_lightning.types import ClassLogits, Labels, Logits, Verdict

Features = Float[Tensor, "B F"]
Maps = Float[Tensor, "B C H W"]
Wrap = Callable[[nn.Module], nn.Module]


def identity(module: nn.Module) -> nn.Module:
    """The module as it is, for networks without spectral normalisation."""
    return module


def required(y: Labels | None) -> Labels:
    """The labels ``y``, which must be there.

    Raises:
        UserError: If they are None.
    """
    if y is None:
        raise UserError("This network is conditional and was called without labels.")
    return y


def one_hot(y: Labels | None, num_classes: int) -> Float[Tensor, "B K"]:
    """One-hot rows [B K] of labels [B]; labels that are weights of classes [B K] are returned unchanged."""
    y = required(y)
    return y if y.is_floating_point() else indicator(y.long(), num_classes).to(torch.get_default_dtype())


class ClassEmbedding(nn.Embedding):
    """An embedding of labels [B].

    Weights of classes [B K] give the weighted sums of the classes' vectors, as from a linear layer on one-hot labels.
    """

    def forward(self, y: Labels) -> Features:
        """Vectors [B F] of the labels."""
        return y @ self.weight if y.is_floating_point() else super().forward(y)


class Conditional(nn.Module):
    """A layer that takes labels beside its input; :class:`LabelledSequential` hands them to it."""

    def forward(self, x: Tensor, y: Labels | None = None) -> Tensor | Verdict:
        """The output for the input ``x`` with the labels ``y``."""
        raise NotImplementedError


class Classifier(Conditional):
    """A head that returns class logits beside its logits; they have a meaning only if loss terms train them."""


class LabelledSequential(nn.Sequential):
    """A sequence of layers, some of which take labels."""

    def forward(self, x: Tensor, y: Labels | None = None) -> Tensor | Verdict:
        """The output of the last layer for the input ``x`` with the labels ``y``."""
        for layer in self:
            x = layer(x, y) if isinstance(layer, Conditional) else layer(x)
        return x


class ConcatenatedLatents(Conditional):
    """Appends `sqrt(Z) one_hot(y)` to latents z [B Z]; inputs of more dimensions, such as images, are flattened first.

    Mirza & Osindero 2014, https://arxiv.org/abs/1411.1784, sec. 3.2. The factor makes the label as long as a z from
    N(0, 1), as in StyleGAN2-ADA. Without it the label is a hundredth of the signal beside 100 latents, and a DCGAN that
    had seen 60,000 digits drew nearly the same for all classes.

    Args:
        latent_dim: Number of latent dimensions Z; the output has ``features`` dimensions.
        num_classes: Number of classes; 0 leaves z as it is.
    """

    def __init__(self, latent_dim: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.features = latent_dim + num_classes
        self.length = sqrt(latent_dim)

    def forward(self, z: Float[Tensor, "B ..."], y: Labels | None = None) -> Features:
        """Vectors [B Z+K] of latents [B Z] and labels of K classes."""
        z = z.flatten(1)
        return torch.cat([z, self.length * one_hot(y, self.num_classes)], 1) if self.num_classes else z


class ConcatenatedMaps(Conditional):
    """Appends one plane for each class to maps [B C H W]: the plane of the label is 1 everywhere, the others are 0.

    Args:
        channels: Number of channels C; the output has ``features`` channels.
        num_classes: Number of classes; 0 leaves the maps as they are.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.features = channels + num_classes

    def forward(self, x: Maps, y: Labels | None = None) -> Float[Tensor, "B F H W"]:
        """Maps [B C+K H W] of maps [B C H W] and labels of K classes."""
        if not self.num_classes:
            return x
        planes = one_hot(y, self.num_classes)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return torch.cat([x, planes], 1)


class ConditionalBatchNorm2d(Conditional):
    """Batch norm with a gain and a bias for each class, which start at 1 and 0 (conditional batch norm).

    Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629, eq. 5; Miyato & Koyama 2018 use it in GANs. The statistics
    are those of the whole batch, of all classes together.

    Args:
        features: Number of channels of the maps.
        num_classes: Number of classes.
        rate: Learning rate of gains and biases as a multiple of the network's, if the optimizer is Adam; 1 in the
            papers. The stored weights are multiplied by it, as in layers of equalised learning rate (Karras et al.
            2018, https://arxiv.org/abs/1710.10196, sec. 4.1).
    """

    def __init__(self, features: int, num_classes: int, rate: float = 1.0) -> None:
        super().__init__()
        self.rate = rate
        self.norm = nn.BatchNorm2d(features, affine=False)
        self.gain = ClassEmbedding(num_classes, features)
        self.bias = ClassEmbedding(num_classes, features)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.bias.weight)

    def forward(self, x: Maps, y: Labels | None = None) -> Maps:
        """Normalised maps of the same shape, with the gains and biases of the labels."""
        y = required(y)
        gain, bias = 1 + self.rate * self.gain(y), self.rate * self.bias(y)
        maps: Maps = gain[:, :, None, None] * self.norm(x) + bias[:, :, None, None]
        return maps


class PlainHead(Conditional, nn.Linear):
    """A linear layer from features [B F] to logits [B], which ignores labels."""

    def forward(self, h: Features, y: Labels | None = None) -> Logits:
        """Logits [B] of features [B F]."""
        return nn.Linear.forward(self, h).squeeze(1)


class ProjectionHead(Conditional):
    """The logit `ψ(h) + <embedding of y, h>` of features h [B F], where `ψ` is linear (projection discriminator).

    Miyato & Koyama 2018, https://arxiv.org/abs/1802.05637, eq. 3. The embeddings start Glorot-uniform, as in the
    authors' code.

    Args:
        features: Number of features F.
        num_classes: Number of classes.
        wrap: Applied to each layer, for example to add spectral normalisation.
    """

    def __init__(self, features: int, num_classes: int, wrap: Wrap = identity) -> None:
        super().__init__()
        self.linear = wrap(nn.Linear(features, 1))
        embedding = nn.Embedding(num_classes, features)
        nn.init.xavier_uniform_(embedding.weight)
        self.embedding = wrap(embedding)

    def forward(self, h: Features, y: Labels | None = None) -> Logits:
        """Logits [B] of features [B F]."""
        logits: Logits = self.linear(h).squeeze(1) + (self.embedding(required(y)) * h).sum(1)
        return logits


class AuxiliaryHead(Classifier):
    """A head that returns a logit and, beside it, a logit for each class (auxiliary classifier, AC-GAN).

    Odena et al. 2017, https://arxiv.org/abs/1610.09585, sec. 3.

    Args:
        features: Number of features F.
        num_classes: Number of classes.
        wrap: Applied to each layer, for example to add spectral normalisation.
    """

    def __init__(self, features: int, num_classes: int, wrap: Wrap = identity) -> None:
        super().__init__()
        self.linear = wrap(nn.Linear(features, 1))
        self.classes = wrap(nn.Linear(features, num_classes))

    def forward(self, h: Features, y: Labels | None = None) -> Verdict:
        """Logits [B] and class logits [B K] of features [B F]; the labels are ignored."""
        classes: ClassLogits = self.classes(h)
        return Verdict(self.linear(h).squeeze(1), classes)


def plain_head(features: int, num_classes: int, wrap: Wrap = identity) -> nn.Module:
    """A head that ignores labels, in the form of the other heads."""
    return wrap(PlainHead(features, 1))


def _plain_norm(norm: str, num_classes: int) -> NormFactory:
    return norm_factory(norm, MAP_NORMS)


def conditional_norm(norm: str, num_classes: int, rate: float = 1.0) -> NormFactory:
    """A factory of :class:`ConditionalBatchNorm2d` by channels.

    Raises:
        UserError: If ``norm`` names another norm than batch norm.
    """
    if norm != "batch":
        raise UserError(
            f"conditional batch norm has no norm={norm!r}: model.generator.norm must be batch. "
            "conditioning.generator=concat gives G its labels beside the latents, with any norm."
        )
    return lambda features: ConditionalBatchNorm2d(features, num_classes, rate)


def _unlabelled_latents(latent_dim: int, num_classes: int) -> ConcatenatedLatents:
    return ConcatenatedLatents(latent_dim, 0)


def _unlabelled_maps(channels: int, num_classes: int) -> ConcatenatedMaps:
    return ConcatenatedMaps(channels, 0)


LATENTS: Mapping[str, Callable[[int, int], ConcatenatedLatents]] = {
    "none": _unlabelled_latents,
    "concat": ConcatenatedLatents,
    "batch_norm": _unlabelled_latents,
    "projection": _unlabelled_latents,
    "auxiliary": _unlabelled_latents,
}
"""The layer in front of a network of vectors for each conditioning, made from (latent_dim, num_classes)."""

MAPS: Mapping[str, Callable[[int, int], ConcatenatedMaps]] = {
    "none": _unlabelled_maps,
    "concat": ConcatenatedMaps,
    "projection": _unlabelled_maps,
    "auxiliary": _unlabelled_maps,
}
"""The layer in front of a network of maps for each conditioning, made from (channels, num_classes)."""

NORMS: Mapping[str, Callable[[str, int], NormFactory]] = {
    "none": _plain_norm,
    "concat": _plain_norm,
    "batch_norm": conditional_norm,
}
"""The norms of G's maps for each conditioning: (name of the norm, num_classes) give a factory of norms by channels."""

HEADS: Mapping[str, Callable[[int, int, Wrap], nn.Module]] = {
    "none": plain_head,
    "concat": plain_head,
    "projection": ProjectionHead,
    "auxiliary": AuxiliaryHead,
}
"""The head of D for each conditioning, made from (features, num_classes, wrap) and called with (h [B F], y)."""
