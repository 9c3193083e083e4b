"""The U-Net generator of Pix2Pix (Isola et al. 2017, https://arxiv.org/abs/1611.07004, sec. 6.1.1).

With 64 filters and 8 halvings, in the paper's notation: encoder C64-C128-C256-C512-C512-C512-C512-C512, decoder
CD512-CD512-CD512-C512-C256-C128-C64, then the output layer. Each decoder layer also sees the encoder's maps of its own
size. The first and the last layer of the encoder have no norm.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from gan_lightning.errors import UserError
from gan_lightning.images import Resolution, height_and_width
from gan_lightning.networks.base import ImagesIn, ImagesOut, Translator, require_multiple
from gan_lightning.networks.parts.conditioning import Maps
from gan_lightning.networks.parts.dcgan_weights import STD, initialise
from gan_lightning.networks.parts.norms import TRANSLATION_NORMS, has_bias, norm_factory

MOST_HALVINGS = 8  # the paper's, from 256 pixels to one
LARGEST_FACTOR = 8  # the widest maps have 8 times the channels of the first
DROPOUT_LAYERS = 3  # of the decoder, from the smallest map on


class UNet(Translator):
    """Images [B C_in H W] -> maps halved down to the smallest, doubled again beside them -> tanh images [B C_out H W].

    Args:
        in_channels: Channels of the images that it is given.
        out_channels: Channels of the images that it makes.
        resolution: Pixels a side, or (height, width), of the images to train on.
        depth: How often the maps are halved; None halves as long as both sides stay whole, at most 8 times.
        width: Channels of the first map.
        norm: "batch", "instance" or "none".
        dropout: Probability with which the first three layers of the decoder drop a value; 0: none.
        dropout_in_eval: Whether they do so in evaluation mode too, as in the paper, where it is G's only noise.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        resolution: Resolution,
        depth: int | None = None,
        width: int = 64,
        norm: str = "batch",
        dropout: float = 0.5,
        dropout_in_eval: bool = False,
    ) -> None:
        """Make a generator."""
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        depth = halvings(resolution) if depth is None else depth
        if depth < 1:
            raise UserError(f"depth={depth}: a U-Net halves its maps at least once.")
        if not 0 <= dropout < 1:
            raise UserError(f"dropout={dropout} must be at least 0 and less than 1.")
        self.multiple_of = 2**depth
        require_multiple(resolution, self.multiple_of, self.multiple_of)
        make_norm = norm_factory(norm, TRANSLATION_NORMS)
        bias = not has_bias(make_norm(1))
        widths = [width * min(2**i, LARGEST_FACTOR) for i in range(depth)]

        self.encoder = nn.ModuleList([nn.Conv2d(in_channels, width, 4, 2, 1, bias=bias)])
        for i, (width_in, width_out) in enumerate(pairwise(widths), 2):
            convolution = nn.Conv2d(width_in, width_out, 4, 2, 1, bias=bias)
            # the smallest map may be a single pixel, which an instance norm would make zero
            after = make_norm(width_out) if i < depth else nn.Identity()
            self.encoder.append(nn.Sequential(nn.LeakyReLU(0.2), convolution, after))

        self.decoder = nn.ModuleList()
        drop = Dropout(dropout, dropout_in_eval)
        for i, (width_in, width_out) in enumerate(pairwise(widths[::-1])):
            beside = width_in if i else 0  # channels of the encoder's map of this size
            enlarging = nn.ConvTranspose2d(width_in + beside, width_out, 4, 2, 1, bias=bias)
            last = drop if i < DROPOUT_LAYERS else nn.Identity()
            self.decoder.append(nn.Sequential(nn.ReLU(), enlarging, make_norm(width_out), last))
        beside = width if depth > 1 else 0
        self.decoder.append(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(width + beside, out_channels, 4, 2, 1)))
        self.apply(partial(initialise, std=STD))

    def forward(self, x: ImagesIn) -> ImagesOut:
        """Images [B C_out H W] of images [B C_in H W]."""
        maps: list[Tensor] = []
        for layer in self.encoder:
            x = layer(x)
            maps.append(x)
        x = maps.pop()
        for layer in self.decoder:
            x = layer(x)
            if maps:
                x = torch.cat([maps.pop(), x], 1)
        return torch.tanh(x)


class Dropout(nn.Module):
    """Dropout that may act in evaluation mode too; there it draws from the default generator as in training."""

    def __init__(self, p: float, in_eval: bool) -> None:
        """Make one that drops each value with the probability ``p``."""
        super().__init__()
        self.p = p
        self.in_eval = in_eval

    def forward(self, x: Maps) -> Maps:
        """Maps of the same shape."""
        return dropout(x, self.p, self.training or self.in_eval)


def halvings(resolution: Resolution) -> int:
    """How often height and width can both be halved: 256 -> 8, 28 -> 2, (256, 96) -> 5; at most 8.

    Raises:
        UserError: If one of them is odd.
    """
    height, width = require_multiple(height_and_width(resolution), 2, 2)
    divisor = height | width  # its lowest bit is that of the one that can be halved less often
    return min((divisor & -divisor).bit_length() - 1, MOST_HALVINGS)
