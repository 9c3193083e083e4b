"""The residual generator of CycleGAN (Zhu et al. 2017, https://arxiv.org/abs/1703.10593, appendix 7.2).

It is the network of Johnson et al. 2016 (https://arxiv.org/abs/1603.08155). In CycleGAN's notation, with 9 blocks:
c7s1-64, d128, d256, R256 nine times, u128, u64, c7s1-3. As in the authors' code, the c and R layers reflect their input
at its border, and the d and u layers pad it with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.images import Resolution
from gan_lightning.networks.base import ImagesIn, ImagesOut, Translator, require_multiple
from gan_lightning.networks.parts.conditioning import Maps
from gan_lightning.networks.parts.dcgan_weights import STD, initialise
from gan_lightning.networks.parts.norms import TRANSLATION_NORMS, NormFactory, has_bias, norm_factory

HALVINGS = 2


class ResidualTranslator(Translator):
    """Images [B C_in H W] -> maps of a quarter of the side -> residual blocks -> tanh images [B C_out H W].

    Args:
        in_channels: Channels of the images that it is given.
        out_channels: Channels of the images that it makes.
        resolution: Pixels a side, or (height, width), of the images to train on.
        blocks: Number of residual blocks; the paper takes 6 at 128 pixels and 9 at 256.
        width: Channels of the first map.
        norm: "instance", "batch" or "none".
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        resolution: Resolution,
        blocks: int = 9,
        width: int = 64,
        norm: str = "instance",
    ) -> None:
        """Make a generator."""
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        if blocks < 1:
            raise UserError(f"blocks={blocks}: this network needs at least one residual block.")
        self.multiple_of = 2**HALVINGS
        # a map must have 2 pixels a side to be reflected by one
        require_multiple(resolution, self.multiple_of, 2 * self.multiple_of)
        make_norm = norm_factory(norm, TRANSLATION_NORMS)
        bias = not has_bias(make_norm(1))
        narrow, middle, wide = width, 2 * width, 4 * width
        self.encoder = nn.ModuleList(
            [
                nn.Sequential(
                    nn.ReflectionPad2d(3), nn.Conv2d(in_channels, narrow, 7, bias=bias), make_norm(narrow), nn.ReLU()
                ),
                nn.Sequential(*_halve(narrow, middle, make_norm, bias)),
                nn.Sequential(*_halve(middle, wide, make_norm, bias)),
                *(Block(wide, make_norm, bias) for _ in range(blocks)),
            ]
        )
        self.decoder = nn.Sequential(
            *_double(wide, middle, make_norm, bias),
            *_double(middle, narrow, make_norm, bias),
            nn.ReflectionPad2d(3),
            nn.Conv2d(narrow, out_channels, 7),
            nn.Tanh(),
        )
        self.apply(partial(initialise, std=STD))

    def forward(self, x: ImagesIn) -> ImagesOut:
        """Images [B C_out H W] of images [B C_in H W]."""
        for layer in self.encoder:
            x = layer(x)
        images: ImagesOut = self.decoder(x)
        return images

    def features(self, x: ImagesIn, places: Sequence[int]) -> list[Tensor]:
        """Maps of the encoder, which ends with the residual blocks; what comes after the last place is not computed.

        Args:
            x: Images [B C_in H W].
            places: In rising order: 0 is the image itself, 1 the map after the first layer, 2 and 3 those after the
                halvings, 3 + k the map after block k. CUT compares the image, both halvings and the first and fifth
                block: 0, 2, 3, 4 and 8.
        """
        maps = [x]
        for layer in self.encoder[: places[-1]]:
            maps.append(layer(maps[-1]))
        return [maps[place] for place in places]


class Block(nn.Module):
    """x + f(x) with f two 3 x 3 convolutions and their norms; nothing bends the sum."""

    def __init__(self, width: int, make_norm: NormFactory, bias: bool) -> None:
        """Make one for maps of ``width`` channels."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3, bias=bias),
            make_norm(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3, bias=bias),
            make_norm(width),
        )

    def forward(self, x: Maps) -> Maps:
        """Maps of the same shape."""
        return torch.add(x, self.layers(x))


def _halve(width_in: int, width_out: int, make_norm: NormFactory, bias: bool) -> list[nn.Module]:
    return [
        nn.Conv2d(width_in, width_out, 3, 2, 1, bias=bias),
        make_norm(width_out),
        nn.ReLU(),
    ]


def _double(width_in: int, width_out: int, make_norm: NormFactory, bias: bool) -> list[nn.Module]:
    convolution = nn.ConvTranspose2d(width_in, width_out, 3, 2, 1, output_padding=1, bias=bias)
    return [convolution, make_norm(width_out), nn.ReLU()]
