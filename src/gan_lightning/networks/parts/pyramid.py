"""Maps of many resolutions: how many channels each has, and the filter between two of them.

The filter is [1, 3, 3, 1] along each axis, which is bilinear interpolation between pixels that are half a pixel off;
beyond the border are zeros, as in the code of the papers that use it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from gan_lightning.errors import UserError


def capped_widths(width: int, max_width: int, count: int) -> list[int]:
    """Channels of ``count`` + 1 maps, the smallest map first: ``max_width``, ..., 4 width, 2 width, width.

    Raises:
        UserError: if there are none, or more than ``max_width`` at the full resolution.
    """
    if not 1 <= width <= max_width:
        raise UserError(f"width={width}: it must be at least 1 and at most max_width={max_width}.")
    return [min(width * 2**i, max_width) for i in reversed(range(count + 1))]


class Filter(nn.Module):
    """The filter on its own, or followed by taking every ``stride``-th pixel; weights that add up to 1.

    The side n becomes (n + 2 padding - 4) / stride + 1.
    """

    kernel: Tensor

    def __init__(self, *, padding: int, stride: int = 1) -> None:
        """Make one for maps of any number of channels."""
        super().__init__()
        self.padding = padding
        self.stride = stride
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """Maps of as many channels."""
        channels = x.shape[1]
        return conv2d(x, self._kernels(channels), stride=self.stride, padding=self.padding, groups=channels)

    def _kernels(self, channels: int) -> Float[Tensor, "C 1 4 4"]:
        return self.kernel.expand(channels, -1, -1, -1)


class Downsample(Filter):
    """Half the side."""

    def __init__(self) -> None:
        """Make one for maps of any number of channels."""
        super().__init__(padding=1, stride=2)


class Upsample(Filter):
    """Twice the side: zeros between the pixels, then the filter, four times as strong to make up for them."""

    def __init__(self) -> None:
        """Make one for maps of any number of channels."""
        super().__init__(padding=1, stride=2)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """Maps [B C 2H 2W]."""
        channels = x.shape[1]
        return conv_transpose2d(x, 4 * self._kernels(channels), stride=2, padding=1, groups=channels)
