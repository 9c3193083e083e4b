"""Minibatch standard deviation (Karras et al. 2018, https://arxiv.org/abs/1710.10196, sec. 3)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.networks.parts.norms import without_autocast

EPSILON = 1e-8


class MinibatchStd(nn.Module):
    """Adds a map that says how much the samples of a group differ, so that D sees a lack of variety.

    It holds one number a group: the standard deviation over the group's samples, averaged over channels and pixels.
    A group is ``group`` samples that follow each other. Processes hold parts of the batch that follow each other, too,
    so that the groups don't depend on how many processes there are, as long as each has a multiple of ``group``
    samples; where the batch isn't one, groups are of the greatest common divisor, down to one sample, which says
    nothing.
    """

    def __init__(self, group: int = 4) -> None:
        """Make one for maps of any number of channels."""
        super().__init__()
        self.group = group

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C+1 H W"]:
        """The maps, and behind them the new one."""
        size = math.gcd(len(x), self.group)
        with without_autocast(x.device):
            groups = x.to(torch.promote_types(x.dtype, torch.float32)).reshape(-1, size, *x.shape[1:])
            std = (groups.var(1, correction=0) + EPSILON).sqrt().mean((1, 2, 3))
        plane = std.repeat_interleave(size)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, plane.to(x.dtype)], 1)
