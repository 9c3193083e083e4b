"""Fully connected networks, the pair that most GAN tutorials start with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.layers import VECTOR_NORMS, norm_factory
from gan_lightning.types import Images, Labels, Latents, Logits


class MLPGenerator(Generator):
    """Latents [B Z] -> hidden layers of ``widths`` -> tanh images [B C H W]."""

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        latent_dim: int = 100,
        widths: Sequence[int] = (256, 512, 1024),
        norm: str = "none",
    ) -> None:
        """Make a generator of square images."""
        super().__init__()
        self.latent_dim = latent_dim
        make_norm = norm_factory(norm, VECTOR_NORMS)
        sizes = [latent_dim, *widths]
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
        images: Images = self.layers(z)
        return images


class MLPDiscriminator(Discriminator):
    """Images [B C H W] -> hidden layers of ``widths`` with dropout -> logits [B]."""

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        widths: Sequence[int] = (1024, 512, 256),
        dropout: float = 0.3,
        norm: str = "none",
    ) -> None:
        """Make a discriminator of square images."""
        super().__init__()
        make_norm = norm_factory(norm, VECTOR_NORMS)
        sizes = [channels * resolution**2, *widths]
        layers: list[nn.Module] = []
        for size_in, size_out in pairwise(sizes):
            layers += [nn.Linear(size_in, size_out), make_norm(size_out), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        self.layers = nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], 1), nn.Flatten(0))

    def forward(self, x: Images, y: Labels | None = None) -> Logits:
        """Logits [B] of images [B C H W]."""
        logits: Logits = self.layers(x)
        return logits
