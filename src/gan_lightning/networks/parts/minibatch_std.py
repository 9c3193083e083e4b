"""Minibatch standard deviation (Karras et al. 2018, https://arxiv.org/abs/1710.10196, sec. 3)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gan_lightning.networks.parts.norms import without_autocast

EPSILON = 1e-8


class MinibatchStd(nn.Module):
    """Appends a map that says how much the samples of a group differ, so that D can see a lack of variety.

    The map holds one number for each group: the standard deviation over the group's samples, averaged over channels and
    pixels. A group consists of ``group`` consecutive samples. Each process holds a consecutive part of the batch, so
    the groups do not depend on the number of processes (GPUs) as long as each holds a multiple of ``group`` samples. If
    the batch is not such a multiple, the size of a group is the greatest common divisor of the two numbers; if that is
    1, the map says nothing.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C+1 H W"]:
        """The maps [B C+1 H W], the new one last."""
        size = math.gcd(len(x), self.group)
        with without_autocast(x.device):
            groups = x.to(torch.promote_types(x.dtype, torch.float32)).reshape(-1, size, *x.shape[1:])
            std = (groups.var(1, correction=0) + EPSILON).sqrt().mean((1, 2, 3))
        plane = std.repeat_interleave(size)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, plane.to(x.dtype)], 1)
