"""Where networks take labels: beside the latents, beside the pixels, in the norms of G, in the head of D.

A conditioning is a name in one of the tables below; a network says which of them it takes (``CONDITIONINGS``).

| name | G | D |
|---|---|---|
| concat | one-hot labels beside z, as long as z | one constant plane a class beside the pixels |
| batch_norm | a gain and a bias for each class in the batch norms | |
| projection | | inner product of the features with an embedding of the label |
| auxiliary | | a second output that classifies |
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
    """Wraps a layer in nothing, where another network would take spectral normalisation."""
    return module


def required(y: Labels | None) -> Labels:
    """The labels.

    Raises:
        UserError: if there are none.
    """
    if y is None:
        raise UserError("This network is conditional and was called without labels.")
    return y


def one_hot(y: Labels | None, num_classes: int) -> Float[Tensor, "B K"]:
    """1 in the column of the label, 0 elsewhere; weights of classes [B K] are what they are."""
    y = required(y)
    return y if y.is_floating_point() else indicator(y.long(), num_classes).to(torch.get_default_dtype())


class ClassEmbedding(nn.Embedding):
    """Vectors [B F] of labels; of weights of classes [B K] the mixtures, as of a linear layer on one-hot labels."""

    def forward(self, y: Labels) -> Features:
        """Vectors [B F]."""
        return y @ self.weight if y.is_floating_point() else super().forward(y)


class Conditional(nn.Module):
    """A layer that takes labels beside its input; :class:`LabelledSequential` hands them to it."""

    def forward(self, x: Tensor, y: Labels | None = None) -> Tensor | Verdict:
        """Output for the input ``x``, of the classes ``y``."""
        raise NotImplementedError


class Classifier(Conditional):
    """A head that gives class logits beside its logits. They mean something once terms train them."""


class LabelledSequential(nn.Sequential):
    """Layers one after another, some of which take labels."""

    def forward(self, x: Tensor, y: Labels | None = None) -> Tensor | Verdict:
        """The output of the last layer."""
        for layer in self:
            x = layer(x, y) if isinstance(layer, Conditional) else layer(x)
        return x


class ConcatenatedLatents(Conditional):
    """(z [B Z], y) -> [z, sqrt(Z) one-hot y]; what has more dimensions, such as pixels, is flattened first.

    Mirza & Osindero 2014, https://arxiv.org/abs/1411.1784, sec. 3.2. The factor makes the label as long as z is for
    z from N(0, 1), as StyleGAN2-ADA has them; beside 100 latents a plain one-hot label is a hundredth of the signal,
    and a DCGAN that saw 60,000 digits drew nearly the same for all classes. With ``num_classes`` 0 z stays as it is.
    """

    def __init__(self, latent_dim: int, num_classes: int) -> None:
        """Make one for vectors of ``latent_dim``; they become vectors of ``features``."""
        super().__init__()
        self.num_classes = num_classes
        self.features = latent_dim + num_classes
        self.length = sqrt(latent_dim)

    def forward(self, z: Float[Tensor, "B ..."], y: Labels | None = None) -> Features:
        """Vectors [B Z+K]."""
        z = z.flatten(1)
        return torch.cat([z, self.length * one_hot(y, self.num_classes)], 1) if self.num_classes else z


class ConcatenatedMaps(Conditional):
    """(x [B C H W], y) -> [B C+K H W]: one plane a class, 1 everywhere in that of the label and 0 in the others.

    With ``num_classes`` 0 x stays as it is.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        """Make one for maps of ``channels``; they become maps of ``features`` channels."""
        super().__init__()
        self.num_classes = num_classes
        self.features = channels + num_classes

    def forward(self, x: Maps, y: Labels | None = None) -> Float[Tensor, "B F H W"]:
        """Maps [B C+K H W]."""
        if not self.num_classes:
            return x
        planes = one_hot(y, self.num_classes)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return torch.cat([x, planes], 1)


class ConditionalBatchNorm2d(Conditional):
    """Batch norm whose gain and bias are the class's own; they start at 1 and 0.

    Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629, eq. 5; in GANs Miyato & Koyama 2018. The statistics are
    those of the batch, whatever its classes.

    With a ``rate`` other than the papers' 1 the weights are factors of it, as in layers of equalised learning rate
    (Karras et al. 2018, https://arxiv.org/abs/1710.10196, sec. 4.1), and a step of Adam moves gains and biases by so
    many times the learning rate.
    """

    def __init__(self, features: int, num_classes: int, rate: float = 1.0) -> None:
        """Make one for maps of ``features`` channels."""
        super().__init__()
        self.rate = rate
        self.norm = nn.BatchNorm2d(features, affine=False)
        self.gain = ClassEmbedding(num_classes, features)
        self.bias = ClassEmbedding(num_classes, features)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.bias.weight)

    def forward(self, x: Maps, y: Labels | None = None) -> Maps:
        """Maps of the same shape."""
        y = required(y)
        gain, bias = 1 + self.rate * self.gain(y), self.rate * self.bias(y)
        maps: Maps = gain[:, :, None, None] * self.norm(x) + bias[:, :, None, None]
        return maps


class PlainHead(Conditional, nn.Linear):
    """Features [B F] -> logits [B], whatever the labels."""

    def forward(self, h: Features, y: Labels | None = None) -> Logits:
        """Logits [B]."""
        return nn.Linear.forward(self, h).squeeze(1)


class ProjectionHead(Conditional):
    """logit = psi(h) + <embedding of y, h>, psi linear.

    Miyato & Koyama 2018, https://arxiv.org/abs/1802.05637, eq. 3; embeddings start Glorot-uniform as in the
    authors' code. ``wrap`` goes around each layer.
    """

    def __init__(self, features: int, num_classes: int, wrap: Wrap = identity) -> None:
        """Make one for vectors of ``features``."""
        super().__init__()
        self.linear = wrap(nn.Linear(features, 1))
        embedding = nn.Embedding(num_classes, features)
        nn.init.xavier_uniform_(embedding.weight)
        self.embedding = wrap(embedding)

    def forward(self, h: Features, y: Labels | None = None) -> Logits:
        """Logits [B]."""
        logits: Logits = self.linear(h).squeeze(1) + (self.embedding(required(y)) * h).sum(1)
        return logits


class AuxiliaryHead(Classifier):
    """A logit, and a logit for each class beside it. Odena et al. 2017, https://arxiv.org/abs/1610.09585, sec. 3.

    ``wrap`` goes around each layer.
    """

    def __init__(self, features: int, num_classes: int, wrap: Wrap = identity) -> None:
        """Make one for vectors of ``features``."""
        super().__init__()
        self.linear = wrap(nn.Linear(features, 1))
        self.classes = wrap(nn.Linear(features, num_classes))

    def forward(self, h: Features, y: Labels | None = None) -> Verdict:
        """Logits [B] and class logits [B K]; the labels are not looked at."""
        classes: ClassLogits = self.classes(h)
        return Verdict(self.linear(h).squeeze(1), classes)


def plain_head(features: int, num_classes: int, wrap: Wrap = identity) -> nn.Module:
    """A head that knows no labels."""
    return wrap(PlainHead(features, 1))


def _plain_norm(norm: str, num_classes: int) -> NormFactory:
    return norm_factory(norm, MAP_NORMS)


def conditional_norm(norm: str, num_classes: int, rate: float = 1.0) -> NormFactory:
    """Norms of G's maps with a gain and a bias for each class, which learn at ``rate`` times the learning rate.

    Raises:
        UserError: if the norm is another than batch norm.
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
"""What stands before a network of vectors, by conditioning: called with (latent_dim, num_classes)."""

MAPS: Mapping[str, Callable[[int, int], ConcatenatedMaps]] = {
    "none": _unlabelled_maps,
    "concat": ConcatenatedMaps,
    "projection": _unlabelled_maps,
    "auxiliary": _unlabelled_maps,
}
"""What stands before a network of maps, by conditioning: called with (channels, num_classes)."""

NORMS: Mapping[str, Callable[[str, int], NormFactory]] = {
    "none": _plain_norm,
    "concat": _plain_norm,
    "batch_norm": conditional_norm,
}
"""Norms of G's maps, by conditioning: called with (name of the norm, num_classes), gives a factory by channels."""

HEADS: Mapping[str, Callable[[int, int, Wrap], nn.Module]] = {
    "none": plain_head,
    "concat": plain_head,
    "projection": ProjectionHead,
    "auxiliary": AuxiliaryHead,
}
"""The end of D, by conditioning: called with (features, num_classes, wrap); takes (h [B F], y)."""
