"""DCGAN (Radford, Metz & Chintala 2016, https://arxiv.org/abs/1511.06434), as deep as the resolution needs.

At 64 x 64 pixels these are the paper's networks. Which layers have no bias follows PyTorch's DCGAN
tutorial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.networks.base import Discriminator, Generator, classes_for, conditioning_of, sides_of_maps
from gan_lightning.networks.parts.conditioning import (
    HEADS,
    LATENTS,
    MAPS,
    NORMS,
    ConcatenatedLatents,
    Features,
    LabelledSequential,
    conditional_norm,
    identity,
)
from gan_lightning.networks.parts.dcgan_weights import initial_std, initialise
from gan_lightning.networks.parts.norms import MAP_NORMS, NormFactory, has_bias, norm_factory
from gan_lightning.types import Images, Labels, Latents, Logits, Verdict


class DCGANGenerator(Generator):
    """The generator of DCGAN, which turns latents [B Z] into images [B C H W] by transposed convolutions and a tanh.

    Each layer doubles the side of its maps and halves their number of channels.

    Args:
        width: Number of channels at half the resolution; 128 in the paper.
        latent_dim: Number of latent dimensions Z.
        norm: Name of the norm between the layers, one of ``MAP_NORMS``.
    """

    CONDITIONINGS = ("none", "concat", "batch_norm")
    OWN = "batch_norm"
    ODD_MAPS = False
    """Whether maps of an odd side are halved too, see :func:`~gan_lightning.networks.base.sides_of_maps`."""

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 64,
        latent_dim: int = 100,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.latents = FIRST[conditioning](latent_dim, self.num_classes)
        make_norm = G_NORMS[conditioning](norm, self.num_classes)
        first_map, *sides = sides_of_maps(resolution, self.ODD_MAPS)
        widths = doubled(width, len(sides))[::-1]
        norm_of_first = make_norm(widths[0])
        first = FirstMap(self.latents.features, widths[0], first_map, bias=not has_bias(norm_of_first))
        layers: list[nn.Module] = [nn.Unflatten(1, (self.latents.features, 1, 1)), first, norm_of_first, nn.ReLU()]
        for (width_in, width_out), side in zip(pairwise(widths), sides[:-1], strict=True):
            layers += _enlarge(width_in, width_out, make_norm(width_out), side)
        layers += [nn.ConvTranspose2d(width, channels, kernel_of(sides[-1]), 2, 1, bias=False), nn.Tanh()]
        self.layers = LabelledSequential(*layers)
        self.apply(partial(initialise, std=initial_std(width)))

    def forward(self, z: Latents, y: Labels | None = None) -> Images:
        """Images [B C H W] of latents [B Z]."""
        images: Images = self.layers(self.latents(z, y), y)
        return images


class DCGANDiscriminator(Discriminator):
    """The discriminator of DCGAN, which turns images [B C H W] into logits [B] by convolutions.

    Each layer halves the side of its maps and doubles their number of channels. The input layer has no norm, as the
    paper advises.

    Args:
        width: Number of channels at half the resolution.
        norm: Name of the norm between the layers, one of ``MAP_NORMS``. A gradient penalty needs one that does not
            couple the samples of a batch: "layer", "instance" or "none" (Gulrajani et al. 2017, sec. 4).
    """

    CONDITIONINGS = ("none", "concat", "projection", "auxiliary")
    ODD_MAPS = False
    """As in :class:`DCGANGenerator`."""

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        num_classes: int = 0,
        conditioning: str = "none",
        width: int = 64,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        conditioning = conditioning_of(type(self), conditioning)
        self.num_classes = classes_for(type(self), conditioning, num_classes)
        self.pixels = MAPS[conditioning](channels, self.num_classes)
        make_norm = norm_factory(norm, MAP_NORMS)
        first_map, *sides = sides_of_maps(resolution, self.ODD_MAPS)
        widths = doubled(width, len(sides))
        first = nn.Conv2d(self.pixels.features, width, kernel_of(resolution), 2, 1, bias=False)
        layers: list[nn.Module] = [first, nn.LeakyReLU(0.2)]
        for (width_in, width_out), side in zip(pairwise(widths), sides[-2::-1], strict=True):
            layers += _reduce(width_in, width_out, make_norm(width_out), side)
        layers += ENDS[conditioning](widths[-1], first_map, self.num_classes)
        self.layers = LabelledSequential(*layers)
        self.apply(partial(initialise, std=initial_std(width)))

    def forward(self, x: Images, y: Labels | None = None) -> Logits | Verdict:
        """Logits [B] of images [B C H W], with class logits beside them if there is an auxiliary classifier."""
        verdict: Logits | Verdict = self.layers(self.pixels(x, y), y)
        return verdict


class DeepDCGANGenerator(DCGANGenerator):
    """A DCGAN generator that begins with at most 4 x 4 pixels, whatever the resolution.

    28 pixels begin with a map of 4 x 4 and not with one of 7 x 7. The layer that leads to an odd side has a kernel of 3
    in place of 4.
    """

    ODD_MAPS = True


class DeepDCGANDiscriminator(DCGANDiscriminator):
    """A DCGAN discriminator that halves maps of an odd side too, rounding up, until at most 4 x 4 pixels are left."""

    ODD_MAPS = True


class FirstMap(nn.ConvTranspose2d):
    """The transposed convolution of latents [B Z 1 1] to maps [B C side side], computed as one matrix product.

    The weights and the result are those of ``nn.ConvTranspose2d``, whose own kernels for this shape took three (16
    latents) to eleven times (100 latents) as long on a CPU, forward and backward.
    """

    def __init__(self, features: int, width: int, side: int, *, bias: bool) -> None:
        super().__init__(features, width, side, bias=bias)

    def forward(self, z: Float[Tensor, "B Z 1 1"], output_size: list[int] | None = None) -> Float[Tensor, "B C h w"]:
        """Maps [B C side side] of latents [B Z 1 1]; the memory format of the maps is that of the weights."""
        if self.weight.is_contiguous():
            maps: Tensor = (z.flatten(1) @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])
        else:  # channels last: a view of the weights, where the product above would copy them
            last = self.weight.permute(0, 2, 3, 1)
            maps = (z.flatten(1) @ last.flatten(1)).view(-1, *last.shape[1:]).permute(0, 3, 1, 2)
        return maps if self.bias is None else maps + self.bias[:, None, None]


class LatentsAndConstant(ConcatenatedLatents):
    """Appends the constant `sqrt(Z)` to latents z [B Z], which gives the first layer maps that are equal for all z.

    Conditional batch norm needs such maps, because the gains and biases of a class weigh maps and cannot say where a
    stroke is. If all maps depend on z, and the first layer has no bias for each position as in residual networks, no
    map shows anything in a fixed place: the samples of all classes were the same after 80,000 digits.
    """

    def __init__(self, latent_dim: int, num_classes: int) -> None:
        super().__init__(latent_dim, 1)

    def forward(self, z: Float[Tensor, "B ..."], y: Labels | None = None) -> Features:
        """Vectors [B Z+1] of latents [B Z]; the labels are ignored."""
        z = z.flatten(1)
        return torch.cat([z, torch.full_like(z[:, :1], self.length)], 1)


FIRST: Mapping[str, Callable[[int, int], ConcatenatedLatents]] = {**LATENTS, "batch_norm": LatentsAndConstant}
"""The layer in front of G for each conditioning, made from (latent_dim, num_classes)."""

CLASS_RATE = 10.0
"""Learning rate of the gains and biases of classes, as a multiple of the network's learning rate.

The paper gives a DCGAN no labels, so there is no published rate. At the learning rate itself, gains differ by only a
tenth after 500 steps of Adam, which is too little to tell classes apart.
"""

G_NORMS: Mapping[str, Callable[[str, int], NormFactory]] = {
    **NORMS,
    "batch_norm": partial(conditional_norm, rate=CLASS_RATE),
}
"""The norms of G's maps for each conditioning: (name of the norm, num_classes) give a factory of norms by channels."""


def _plain_head(width: int, first_map: int, num_classes: int) -> list[nn.Module]:
    return [nn.Conv2d(width, 1, first_map, bias=False), nn.Flatten(0)]


def _labelled_head(conditioning: str) -> Callable[[int, int, int], list[nn.Module]]:
    def layers(width: int, first_map: int, num_classes: int) -> list[nn.Module]:
        return [nn.Flatten(), HEADS[conditioning](width * first_map**2, num_classes, identity)]

    return layers


ENDS: Mapping[str, Callable[[int, int, int], list[nn.Module]]] = {
    "none": _plain_head,
    "concat": _plain_head,
    "projection": _labelled_head("projection"),
    "auxiliary": _labelled_head("auxiliary"),
}
"""The last layers of D for each conditioning, made from (channels of the last map, its side, num_classes).

The heads that know labels see every cell of the last map, as the convolution that gives the logit does. Residual
networks take the mean or the sum of the cells instead, but here that says little about the class, because a cell sees
only a part of a small image (10 of 28 pixels).
"""


def doubled(width: int, count: int) -> list[int]:
    """The numbers of channels of ``count`` maps, the largest map first: width, 2 width, 4 width, ...

    Raises:
        UserError: If ``width`` is below 1.
    """
    if width < 1:
        raise UserError(f"width={width}: a network needs at least one channel.")
    return [width * 2**i for i in range(count)]


def kernel_of(side: int) -> int:
    """Kernel of the layer between a map of this side and one of half the side: 4, or 3 if the side is odd.

    With stride 2 and padding 1, a convolution then halves the side, rounding up, and a transposed one undoes that. A
    kernel of 4, which the stride divides, leaves no checkerboard pattern; the layers that follow one of 3 have to
    smooth its pattern.
    """
    return 3 if side % 2 else 4


def _enlarge(width_in: int, width_out: int, norm: nn.Module, side: int) -> list[nn.Module]:
    """A transposed convolution that leads to maps of this side, its norm and ReLU."""
    return [
        nn.ConvTranspose2d(width_in, width_out, kernel_of(side), 2, 1, bias=not has_bias(norm)),
        norm,
        nn.ReLU(),
    ]


def _reduce(width_in: int, width_out: int, norm: nn.Module, side: int) -> list[nn.Module]:
    """A convolution that halves maps of this side, its norm and LeakyReLU."""
    convolution = nn.Conv2d(width_in, width_out, kernel_of(side), 2, 1, bias=not has_bias(norm))
    return [convolution, norm, nn.LeakyReLU(0.2)]
