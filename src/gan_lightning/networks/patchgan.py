"""PatchGAN: discriminators that judge every patch of an image by itself.

They are those of Isola et al. 2017, https://arxiv.org/abs/1611.07004, sec. 3.2.2 and 6.1.2. A patch is the part of the
image on which one logit depends. Its side in pixels follows from the number of layers that halve the map:

| layers | 1 | 2 | 3 | 4 | 5 |
|---|---|---|---|---|---|
| pixels | 16 | 34 | 70 | 142 | 286 |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.images import Resolution
from gan_lightning.networks.base import Discriminator, require_multiple
from gan_lightning.networks.parts.dcgan_weights import STD, initialise
from gan_lightning.networks.parts.norms import TRANSLATION_NORMS, has_bias, norm_factory
from gan_lightning.types import Images, Labels

LogitMap = Float[Tensor, "B 1 h w"]
LARGEST_FACTOR = 8  # the widest maps have 8 times the channels of the first


class PatchDiscriminator(Discriminator):
    """Discriminator that turns images [B C H W] into a map of logits [B 1 h w], one for each patch.

    It consists of 4 x 4 convolutions, of which the first ``layers`` have stride 2 and the last two stride 1. The first
    layer has no norm. To judge an image beside the one from which it was made, concatenate the channels of the two.

    Args:
        in_channels: Number of channels that the network takes; of a pair both numbers, such as [1, 3].
        resolution: Side in pixels, or (height, width), of the images to train on.
        layers: Number of layers of stride 2; with 3 of them a patch has 70 x 70 pixels.
        width: Number of channels of the first map.
        norm: "batch", "instance" or "none".
    """

    def __init__(
        self,
        *,
        in_channels: int | Sequence[int],
        resolution: Resolution,
        layers: int = 3,
        width: int = 64,
        norm: str = "batch",
    ) -> None:
        """Make a discriminator."""
        super().__init__()
        self.in_channels = _total(in_channels)
        if layers < 1:
            raise UserError(f"layers={layers}: this discriminator needs at least one layer of stride 2.")
        make_norm = norm_factory(norm, TRANSLATION_NORMS)
        # with fewer pixels the last but one map would be a single pixel, and the last one would be empty
        require_multiple(resolution, 1, 3 * 2**layers)
        widths = [width * min(2**i, LARGEST_FACTOR) for i in range(layers + 1)]
        convolutions: list[nn.Module] = [nn.Conv2d(self.in_channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for i, (width_in, width_out) in enumerate(pairwise(widths), 1):
            norm_after = make_norm(width_out)
            stride = 2 if i < layers else 1
            convolution = nn.Conv2d(width_in, width_out, 4, stride, 1, bias=not has_bias(norm_after))
            convolutions += [convolution, norm_after, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*convolutions, nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.apply(partial(initialise, std=STD))

    def forward(self, x: Images, y: Labels | None = None) -> LogitMap:
        """Turn images [B C H W] into a map of logits [B 1 h w]."""
        logits: LogitMap = self.layers(x)
        return logits


class PixelDiscriminator(Discriminator):
    """Discriminator that turns images [B C H W] into a logit for every pixel [B 1 H W], which sees that pixel alone.

    It is C64-C128 in the paper's notation, with convolutions of 1 x 1.

    Args:
        in_channels: Number of channels that the network takes; of a pair both numbers, such as [1, 3].
        resolution: Side in pixels, or (height, width). Any size will do; the option exists so that this network can
            stand in place of another.
        width: Number of channels of the first map.
        norm: "batch", "instance" or "none".
    """

    def __init__(
        self, *, in_channels: int | Sequence[int], resolution: Resolution, width: int = 64, norm: str = "batch"
    ) -> None:
        """Make a discriminator."""
        super().__init__()
        self.in_channels = _total(in_channels)
        require_multiple(resolution, 1, 1)
        norm_after = norm_factory(norm, TRANSLATION_NORMS)(2 * width)
        self.layers = nn.Sequential(
            nn.Conv2d(self.in_channels, width, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 1, bias=not has_bias(norm_after)),
            norm_after,
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 1),
        )
        self.apply(partial(initialise, std=STD))

    def forward(self, x: Images, y: Labels | None = None) -> LogitMap:
        """Turn images [B C H W] into a map of logits [B 1 H W]."""
        logits: LogitMap = self.layers(x)
        return logits


def _total(channels: int | Sequence[int]) -> int:
    return channels if isinstance(channels, int) else sum(channels)
