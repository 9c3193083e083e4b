"""The residual networks of WGAN-GP (Gulrajani et al. 2017, appendix C) and SNGAN (Miyato et al. 2018, appendix B.4).

Up to 32 x 32 pixels they are the papers' networks for CIFAR-10, in which all maps have the same number of channels. At
higher resolutions they are those for ImageNet, in which each map of half the side has twice as many channels, up to 16
times. The sizes are those of the authors' code at 32 and 128 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.networks.base import Discriminator, Generator, classes_for, conditioning_of, doublings
from gan_lightning.networks.parts.attention import Stage, with_attention
from gan_lightning.networks.parts.conditioning import HEADS, LATENTS, MAPS, NORMS, LabelledSequential
from gan_lightning.networks.parts.norms import MAP_NORMS, norm_factory
from gan_lightning.networks.parts.residual import conv3, down_block, first_block, flat_block, up_block
from gan_lightning.networks.parts.spectral import prepared, wrap_for
from gan_lightning.types import Images, Labels, Latents, Logits, Verdict

SMALL = 3
"""The largest number of doublings in the networks for CIFAR-10; 3 lead to 32 pixels."""

WIDEST = 16
"""The largest number of channels in the networks for ImageNet, as a multiple of ``width``."""

POOLS: Mapping[str, Callable[..., Tensor]] = {"sum": torch.sum, "mean": torch.mean}
"""How D's last map becomes a vector: SNGAN sums over its positions, WGAN-GP takes their mean."""


class ResNetGenerator(Generator):
    """A residual generator, which turns latents [B Z] into images [B C H W] in (-1, 1).

    A linear layer makes a small map, which one residual block for each doubling enlarges; then follow a norm, a ReLU, a
    convolution and a tanh.

    Args:
        width: Number of channels of the last maps; SNGAN's is 256 up to 32 pixels and 64 beyond.
        latent_dim: Number of latent dimensions Z.
        norm: Name of the norm before each ReLU, one of ``MAP_NORMS``; with the conditioning "batch_norm", the norms of
            the blocks have a gain and a bias for each class, and the last norm has not.
        spectral_norm: Whether every convolution and linear layer has spectral normalisation.
        attention: Side in pixels of the map that self-attention looks at, or None for no self-attention.

    Raises:
        UserError: If there is no such norm, or no map of the side that ``attention`` names.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = ("none", "concat", "batch_norm")
    OWN: ClassVar[str] = "batch_norm"

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
        spectral_norm: bool = False,
        attention: int | None = None,
    ) -> None:
        super().__init__()
        conditioning = conditioning_of(type(self), conditioning)
        self.latent_dim = latent_dim
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        latents = LATENTS[conditioning](latent_dim, self.num_classes)
        make_norm = NORMS[conditioning](norm, self.num_classes)
        wrap = wrap_for(spectral_norm)
        first_map, count = doublings(resolution)
        widths = map_widths(width, count)[::-1]
        linear = prepared(nn.Linear(latents.features, widths[0] * first_map**2), wrap=wrap)
        first = nn.Sequential(linear, nn.Unflatten(1, (widths[0], first_map, first_map)))
        stages = [Stage(first, widths[0], first_map)]
        for i, (width_in, width_out) in enumerate(pairwise(widths), start=1):
            stages.append(Stage(up_block(width_in, width_out, make_norm, wrap), width_out, first_map * 2**i))
        self.layers = LabelledSequential(
            latents,
            *with_attention(stages, attention, wrap),
            *(norm_factory(norm, MAP_NORMS)(width), nn.ReLU(), conv3(width, channels, wrap, gain=1.0), nn.Tanh()),
        )

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        images = self.layers(z, y)
        assert isinstance(images, Tensor)
        return images


class ResNetDiscriminator(Discriminator):
    """A residual discriminator, which turns images [B C H W] into logits [B].

    Residual blocks, the first of which halve the side, are followed by a ReLU, the pooling of the last map and a head.

    Args:
        width: Number of channels of the first maps; SNGAN's is 128 up to 32 pixels and 64 beyond.
        norm: Name of the norm before each ReLU but the first and the last, one of ``MAP_NORMS``; the papers have none.
            A gradient penalty needs one that does not couple the samples of a batch: "layer", "instance" or "none"
            (Gulrajani et al. 2017, sec. 4).
        spectral_norm: Whether every layer has spectral normalisation.
        pool: How the positions of the last map are pooled: "sum" as in SNGAN or "mean" as in WGAN-GP.
        attention: Side in pixels of the map that self-attention looks at, or None for no self-attention.

    Raises:
        UserError: If there is no such pool or norm, or no map of the side that ``attention`` names.
    """

    CONDITIONINGS: ClassVar[tuple[str, ...]] = ("none", "concat", "projection", "auxiliary")

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 32,
        norm: str = "none",
        spectral_norm: bool = True,
        pool: str = "sum",
        attention: int | None = None,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise UserError(f"There is no pool called {pool!r} here: choose one of {', '.join(POOLS)}.")
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        maps = MAPS[conditioning](channels, self.num_classes)
        make_norm = norm_factory(norm, MAP_NORMS)
        wrap = wrap_for(spectral_norm)
        _, count = doublings(resolution)
        halvings = 2 if count <= SMALL else count
        widths = map_widths(width, max(count, SMALL))
        stages = [Stage(first_block(maps.features, width, wrap), width, resolution // 2)]
        for i, (width_in, width_out) in enumerate(pairwise(widths), start=1):
            make_block = down_block if i < halvings else flat_block
            side = resolution // 2 ** min(i + 1, halvings)
            stages.append(Stage(make_block(width_in, width_out, make_norm, wrap), width_out, side))
        self.blocks = LabelledSequential(maps, *with_attention(stages, attention, wrap), nn.ReLU())
        self.pool = POOLS[pool]
        self.head = HEADS[conditioning](widths[-1], self.num_classes, partial(prepared, wrap=wrap))

    def forward(self, x: Images, y: Labels | None = None) -> Logits | Verdict:
        """Logits [B] of images [B C H W], with class logits [B K] beside them if there is an auxiliary classifier."""
        verdict: Logits | Verdict = self.head(self.pool(self.blocks(x, y), dim=(2, 3)), y)
        return verdict


def map_widths(width: int, count: int) -> list[int]:
    """The numbers of channels of the maps, from the image's side down to the smallest map ``count`` halvings later.

    Raises:
        UserError: If ``width`` is below 1.
    """
    if width < 1:
        raise UserError(f"width={width}: a network needs at least one channel.")
    return [width if count <= SMALL else width * min(2**i, WIDEST) for i in range(count + 1)]
