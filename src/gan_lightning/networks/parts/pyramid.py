"""Maps of many resolutions: how many channels each one has, and how maps are halved and doubled.

Between two resolutions, maps are filtered by [1, 3, 3, 1] along each axis, which is bilinear interpolation between
grids that are half a pixel apart. Beyond the border are zeros, as in the code of the papers that use the filter.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from gan_lightning.errors import UserError


def capped_widths(width: int, max_width: int, count: int) -> list[int]:
    """The numbers of channels of ``count`` + 1 maps, the smallest map first: max_width, ..., 4 width, 2 width, width.

    Raises:
        UserError: If ``width`` is below 1 or above ``max_width``.
    """
    if not 1 <= width <= max_width:
        raise UserError(f"width={width}: it must be at least 1 and at most max_width={max_width}.")
    return [min(width * 2**i, max_width) for i in reversed(range(count + 1))]


class Filter(nn.Module):
    """A filter of maps, whose weights add up to 1; the side n becomes `(n + 2 padding - 4)/stride + 1`.

    Args:
        padding: Number of zeros beyond each border.
        stride: Step between the pixels that are kept after filtering.
    """

    kernel: Tensor

    def __init__(self, *, padding: int, stride: int = 1) -> None:
        super().__init__()
        self.padding = padding
        self.stride = stride
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps)[None, None], persistent=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """Filtered maps [B C h w] of maps [B C H W]."""
        channels = x.shape[1]
        return conv2d(x, self._kernels(channels), stride=self.stride, padding=self.padding, groups=channels)

    def _kernels(self, channels: int) -> Float[Tensor, "C 1 4 4"]:
        return self.kernel.expand(channels, -1, -1, -1)


class Downsample(Filter):
    """Maps of half the side: filtered, then every second pixel."""

    def __init__(self) -> None:
        super().__init__(padding=1, stride=2)


class Upsample(Filter):
    """Maps of twice the side: zeros are put between the pixels, and the filter is four times as strong for them."""

    def __init__(self) -> None:
        super().__init__(padding=1, stride=2)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """Maps [B C 2H 2W] of maps [B C H W]."""
        channels = x.shape[1]
        return conv_transpose2d(x, 4 * self._kernels(channels), stride=2, padding=1, groups=channels)
