"""The U-Net generator of Pix2Pix (Isola et al. 2017, https://arxiv.org/abs/1611.07004, sec. 6.1.1).

In the paper's notation, a network with 64 filters and 8 halvings has the encoder C64-C128-C256-C512-C512-C512-C512-C512
and the decoder CD512-CD512-CD512-C512-C256-C128-C64, followed by the output layer. Each layer of the decoder also sees
the encoder's map of its own size. The first and the last layer of the encoder have no norm.
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

MOST_HALVINGS = 8  # the number in the paper, from 256 pixels to one
LARGEST_FACTOR = 8  # the widest maps have 8 times the channels of the first
DROPOUT_LAYERS = 3  # number of layers of the decoder with dropout, from the smallest map on


class UNet(Translator):
    """Generator that turns images [B C_in H W] into images [B C_out H W] with tanh, from large maps to small and back.

    The encoder halves the maps layer by layer. The decoder doubles them again, and each of its layers also gets the
    encoder's map of the same size.

    Args:
        in_channels: Number of channels of the images that the network takes.
        out_channels: Number of channels of the images that it makes.
        resolution: Side in pixels, or (height, width), of the images to train on.
        depth: Number of times that the maps are halved; None halves as long as both sides stay whole, at least twice
            and at most 8 times.
        width: Number of channels of the first map.
        norm: "batch", "instance" or "none".
        dropout: Probability with which the first three layers of the decoder drop a value; 0 turns dropout off.
        dropout_in_eval: Whether dropout acts in evaluation mode, too. It does in the paper, where it is the only noise
            of G.
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
            # the smallest map may be a single pixel, which instance norm would turn into zero
            after = make_norm(width_out) if i < depth else nn.Identity()
            self.encoder.append(nn.Sequential(nn.LeakyReLU(0.2), convolution, after))

        self.decoder = nn.ModuleList()
        drop = Dropout(dropout, dropout_in_eval)
        for i, (width_in, width_out) in enumerate(pairwise(widths[::-1])):
            beside = width_in if i else 0  # number of channels of the encoder's map of this size
            enlarging = nn.ConvTranspose2d(width_in + beside, width_out, 4, 2, 1, bias=bias)
            last = drop if i < DROPOUT_LAYERS else nn.Identity()
            self.decoder.append(nn.Sequential(nn.ReLU(), enlarging, make_norm(width_out), last))
        beside = width if depth > 1 else 0
        self.decoder.append(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(width + beside, out_channels, 4, 2, 1)))
        self.apply(partial(initialise, std=STD))

    def forward(self, x: ImagesIn) -> ImagesOut:
        """Turn images [B C_in H W] into images [B C_out H W] in [-1, 1]."""
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
    """Dropout that may also act in evaluation mode, where it draws from the default generator as in training.

    Args:
        p: Probability with which a value is dropped.
        in_eval: Whether it acts in evaluation mode.
    """

    def __init__(self, p: float, in_eval: bool) -> None:
        """Make a layer of dropout."""
        super().__init__()
        self.p = p
        self.in_eval = in_eval

    def forward(self, x: Maps) -> Maps:
        """Turn maps into maps of the same shape."""
        return dropout(x, self.p, self.training or self.in_eval)


def halvings(resolution: Resolution) -> int:
    """Number of times, at most 8, that height and width can both be halved: 256 -> 8, 28 -> 2, (256, 96) -> 5.

    Raises:
        UserError: If a side can't be halved twice, because the network would be two layers that see 6 pixels.
    """
    height, width = require_multiple(height_and_width(resolution), 4, 4)
    divisor = height | width  # its lowest bit is that of the side that can be halved less often
    return min((divisor & -divisor).bit_length() - 1, MOST_HALVINGS)
