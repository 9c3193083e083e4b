"""Fully connected networks (multilayer perceptrons), with which most GAN tutorials start."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from gan_lightning.networks.base import Discriminator, Generator, classes_for, conditioning_of
from gan_lightning.networks.parts.conditioning import HEADS, LATENTS, LabelledSequential, identity
from gan_lightning.networks.parts.norms import VECTOR_NORMS, norm_factory
from gan_lightning.types import Images, Labels, Latents, Logits, Verdict


class MLPGenerator(Generator):
    """A fully connected generator, which turns latents [B Z] into images [B C H W] in (-1, 1) by a tanh.

    Args:
        latent_dim: Number of latent dimensions Z.
        widths: Number of features of each hidden layer.
        norm: Name of the norm of the hidden layers, one of ``VECTOR_NORMS``.
    """

    CONDITIONINGS = ("none", "concat")
    OWN = "concat"

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        latent_dim: int = 100,
        widths: Sequence[int] = (256, 512, 1024),
        norm: str = "none",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.latents = LATENTS[conditioning](latent_dim, self.num_classes)
        make_norm = norm_factory(norm, VECTOR_NORMS)
        sizes = [self.latents.features, *widths]
        layers: list[nn.Module] = []
        for size_in, size_out in pairwise(sizes):
            layers += [nn.Linear(size_in, size_out), make_norm(size_out), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(
            *layers,
            nn.Linear(sizes[-1], channels * resolution**2),
            nn.Unflatten(1, (channels, resolution, resolution)),
            nn.Tanh(),
        )

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        images: Images = self.layers(self.latents(z, y))
        return images


class MLPDiscriminator(Discriminator):
    """A fully connected discriminator, which turns images [B C H W] into logits [B].

    Args:
        widths: Number of features of each hidden layer.
        dropout: Probability with which an element of a hidden layer is set to zero in training.
        norm: Name of the norm of the hidden layers, one of ``VECTOR_NORMS``.
    """

    CONDITIONINGS = ("none", "concat", "projection", "auxiliary")

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        widths: Sequence[int] = (1024, 512, 256),
        dropout: float = 0.3,
        norm: str = "none",
    ) -> None:
        super().__init__()
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        pixels = LATENTS[conditioning](channels * resolution**2, self.num_classes)
        make_norm = norm_factory(norm, VECTOR_NORMS)
        sizes = [pixels.features, *widths]
        layers: list[nn.Module] = []
        for size_in, size_out in pairwise(sizes):
            layers += [nn.Linear(size_in, size_out), make_norm(size_out), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        self.layers = LabelledSequential(pixels, *layers, HEADS[conditioning](sizes[-1], self.num_classes, identity))

    def forward(self, x: Images, y: Labels | None = None) -> Logits | Verdict:
        """Logits [B] of images [B C H W], with class logits beside them if there is an auxiliary classifier."""
        verdict: Logits | Verdict = self.layers(x, y)
        return verdict
