"""The residual blocks of WGAN-GP (Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, appendix C) and SNGAN.

SNGAN is Miyato et al. 2018, https://arxiv.org/abs/1802.05957, appendix B.4; the widths inside a block and the initial
weights are those of its authors' code. A 1 x 1 convolution commutes with averaging and with repeating pixels, so the
shortcuts compute them in the order that is four times cheaper, with the same result.
"""

from __future__ import annotations

from math import sqrt

from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.networks.parts.conditioning import Conditional, LabelledSequential, Maps, Wrap
from gan_lightning.networks.parts.norms import NormFactory
from gan_lightning.networks.parts.spectral import prepared
from gan_lightning.types import Labels

NewMaps = Float[Tensor, "B D I J"]


class Residual(Conditional):
    """`residual(x, y) + shortcut(x)`, where the residual is a sequence of layers that may take labels."""

    def __init__(self, residual: list[nn.Module], shortcut: nn.Module) -> None:
        super().__init__()
        self.residual = LabelledSequential(*residual)
        self.shortcut = shortcut

    def forward(self, x: Maps, y: Labels | None = None) -> NewMaps:
        """Maps [B D I J] of maps [B C H W], of the shape that both branches return."""
        residual = self.residual(x, y)
        shortcut: Tensor = self.shortcut(x)
        assert isinstance(residual, Tensor)
        return residual + shortcut


def up_block(width_in: int, width_out: int, make_norm: NormFactory, wrap: Wrap) -> Residual:
    """A block from maps [B C H W] to [B C' 2H 2W], whose norms may take labels."""
    residual = [
        *(make_norm(width_in), nn.ReLU(), nn.Upsample(scale_factor=2), conv3(width_in, width_out, wrap)),
        *(make_norm(width_out), nn.ReLU(), conv3(width_out, width_out, wrap)),
    ]
    return Residual(residual, nn.Sequential(conv1(width_in, width_out, wrap), nn.Upsample(scale_factor=2)))


def first_block(channels: int, width: int, wrap: Wrap) -> Residual:
    """The first block of D, from images [B C H W] to maps [B C' H/2 W/2].

    Its first convolution has no norm and no ReLU in front, because its input are pixels.
    """
    residual = [conv3(channels, width, wrap), nn.ReLU(), conv3(width, width, wrap), nn.AvgPool2d(2)]
    return Residual(residual, nn.Sequential(nn.AvgPool2d(2), conv1(channels, width, wrap)))


def down_block(width_in: int, width_out: int, make_norm: NormFactory, wrap: Wrap) -> Residual:
    """A block from maps [B C H W] to [B C' H/2 W/2]."""
    residual = [*_two_convolutions(width_in, width_out, make_norm, wrap), nn.AvgPool2d(2)]
    return Residual(residual, nn.Sequential(nn.AvgPool2d(2), conv1(width_in, width_out, wrap)))


def flat_block(width_in: int, width_out: int, make_norm: NormFactory, wrap: Wrap) -> Residual:
    """A block from maps [B C H W] to [B C' H W], whose shortcut has a weight only if the widths differ."""
    shortcut = nn.Identity() if width_in == width_out else conv1(width_in, width_out, wrap)
    return Residual(_two_convolutions(width_in, width_out, make_norm, wrap), shortcut)


def _two_convolutions(width_in: int, width_out: int, make_norm: NormFactory, wrap: Wrap) -> list[nn.Module]:
    return [
        *(make_norm(width_in), nn.ReLU(), conv3(width_in, width_in, wrap)),
        *(make_norm(width_in), nn.ReLU(), conv3(width_in, width_out, wrap)),
    ]


def conv3(width_in: int, width_out: int, wrap: Wrap, gain: float = sqrt(2)) -> nn.Module:
    """A 3 x 3 convolution that keeps the side; the gain √2 makes up for the half of the values that a ReLU removes."""
    return prepared(nn.Conv2d(width_in, width_out, 3, padding=1), gain, wrap=wrap)


def conv1(width_in: int, width_out: int, wrap: Wrap) -> nn.Module:
    """A 1 x 1 convolution."""
    return prepared(nn.Conv2d(width_in, width_out, 1), wrap=wrap)
