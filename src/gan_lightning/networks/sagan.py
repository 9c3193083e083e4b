"""SAGAN (Zhang et al. 2019, https://arxiv.org/abs/1805.08318): SNGAN's networks with spectral norm and self-attention.

Both networks have both. The paper trains them with the hinge loss, one D update for one of G, and two learning rates
(TTUR): loss=hinge optimizer=ttur.
"""

from __future__ import annotations

from gan_lightning.networks.resnet import ResNetDiscriminator, ResNetGenerator

LARGEST_MAP = 32
"""Side in pixels of the map that self-attention looks at in the paper's networks for 128 x 128 pixels."""


class SAGANGenerator(ResNetGenerator):
    """The generator of SAGAN: a :class:`ResNetGenerator` with spectral norm around every layer, and self-attention.

    Args:
        attention: Side in pixels of the map that self-attention looks at; None stands for the largest map of at most 32
            pixels that is smaller than the image.
    """

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 32,
        latent_dim: int = 128,
        norm: str = "batch",
        spectral_norm: bool = True,
        attention: int | None = None,
    ) -> None:
        super().__init__(
            channels=channels,
            resolution=resolution,
            num_classes=num_classes,
            conditioning=conditioning,
            width=width,
            latent_dim=latent_dim,
            norm=norm,
            spectral_norm=spectral_norm,
            attention=usual_map(resolution) if attention is None else attention,
        )


class SAGANDiscriminator(ResNetDiscriminator):
    """The discriminator of SAGAN: a :class:`ResNetDiscriminator` with spectral norm and self-attention.

    Its ``attention`` is as in :class:`SAGANGenerator`.
    """

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 32,
        spectral_norm: bool = True,
        attention: int | None = None,
    ) -> None:
        super().__init__(
            channels=channels,
            resolution=resolution,
            num_classes=num_classes,
            conditioning=conditioning,
            width=width,
            spectral_norm=spectral_norm,
            attention=usual_map(resolution) if attention is None else attention,
        )


def usual_map(resolution: int) -> int:
    """The side of the largest map of at most 32 pixels that is smaller than the image."""
    side = resolution // 2
    while side > LARGEST_MAP:
        side //= 2
    return side
