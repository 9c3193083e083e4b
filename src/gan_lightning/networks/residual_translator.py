"""The residual generator of CycleGAN (Zhu et al. 2017, https://arxiv.org/abs/1703.10593, appendix 7.2).

It is the network of Johnson et al. 2016 (https://arxiv.org/abs/1603.08155). With 9 blocks it is, in CycleGAN's
notation, c7s1-64, d128, d256, R256 nine times, u128, u64, c7s1-3. As in the authors' code, the c and R layers reflect
their input at its border, and the d and u layers pad it with zeros.
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
    """Generator that turns images [B C_in H W] into images [B C_out H W] with tanh, by way of residual blocks.

    The residual blocks work on maps of a quarter of the height and width.

    Args:
        in_channels: Number of channels of the images that the network takes.
        out_channels: Number of channels of the images that it makes.
        resolution: Side in pixels, or (height, width), of the images to train on.
        blocks: Number of residual blocks; the paper takes 6 at 128 pixels and 9 at 256.
        width: Number of channels of the first map.
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
        # a map must have 2 pixels on each side to be reflected by one pixel
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
        """Turn images [B C_in H W] into images [B C_out H W] in [-1, 1]."""
        for layer in self.encoder:
            x = layer(x)
        images: ImagesOut = self.decoder(x)
        return images

    def features(self, x: ImagesIn, places: Sequence[int]) -> list[Tensor]:
        """Maps at some places of the encoder, which ends with the residual blocks; later layers are not computed.

        Args:
            x: Images [B C_in H W].
            places: Numbers of the places in rising order: 0 is the image itself, 1 the map after the first layer, 2 and
                3 those after the halvings, `3 + k` the map after block k. CUT compares the image, both halvings and the
                first and fifth block: 0, 2, 3, 4 and 8.
        """
        maps = [x]
        for layer in self.encoder[: places[-1]]:
            maps.append(layer(maps[-1]))
        return [maps[place] for place in places]


class Block(nn.Module):
    """Residual block `x + f(x)`, where `f` is two 3 x 3 convolutions with norms and no ReLU follows the sum."""

    def __init__(self, width: int, make_norm: NormFactory, bias: bool) -> None:
        """Make a block for maps of ``width`` channels."""
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
        """Turn maps into maps of the same shape."""
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
