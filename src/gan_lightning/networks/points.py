"""A generator of points in the plane, whose output is linear because no tanh may bound the range of such data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from gan_lightning.networks.base import Generator, classes_for, conditioning_of
from gan_lightning.networks.parts.conditioning import LATENTS
from gan_lightning.networks.parts.norms import VECTOR_NORMS, norm_factory
from gan_lightning.types import Images, Labels, Latents


class PointGenerator(Generator):
    """A fully connected generator with a linear output, which turns latents [B Z] into points [B C H W].

    It makes ``channels`` values at each of ``resolution`` x ``resolution`` pixels; a point of the plane has two
    channels and one pixel. Its opponent is :class:`~gan_lightning.networks.MLPDiscriminator`.

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
        latent_dim: int = 2,
        widths: Sequence[int] = (128, 128),
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
            layers += [nn.Linear(size_in, size_out), make_norm(size_out), nn.ReLU()]
        self.layers = nn.Sequential(
            *layers,
            nn.Linear(sizes[-1], channels * resolution**2),
            nn.Unflatten(1, (channels, resolution, resolution)),
        )

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Points [B C H W] of latents [B Z]."""
        points: Images = self.layers(self.latents(z, y))
        return points
