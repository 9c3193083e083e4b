"""Self-attention over the positions of a map (Zhang et al. 2019, SAGAN, https://arxiv.org/abs/1805.08318, sec. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from gan_lightning.errors import UserError
from gan_lightning.networks.parts.conditioning import Maps, Wrap
from gan_lightning.networks.parts.spectral import prepared


class SelfAttention(nn.Module):
    """`x + γ o`, where `o_j = W_o Σ_i softmax_i(f(x_i)·g(x_j)) h(x_i)` (eqs. 1 to 3) and the learned `γ` starts at 0.

    The sizes are those of the authors' code: the keys f and the queries g have an eighth of the channels, the values h
    have half of them, and keys and values are the maxima over blocks of 2 x 2 positions.
    """

    def __init__(self, width: int, wrap: Wrap) -> None:
        super().__init__()
        narrow, half = max(width // 8, 1), max(width // 2, 1)
        self.query = prepared(nn.Conv2d(width, narrow, 1, bias=False), wrap=wrap)
        self.key = prepared(nn.Conv2d(width, narrow, 1, bias=False), wrap=wrap)
        self.value = prepared(nn.Conv2d(width, half, 1, bias=False), wrap=wrap)
        self.output = prepared(nn.Conv2d(half, width, 1, bias=False), wrap=wrap)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Maps) -> Maps:
        """Maps of the same shape."""
        query = self.query(x).flatten(2)
        key = max_pool2d(self.key(x), 2).flatten(2)
        value = max_pool2d(self.value(x), 2).flatten(2)
        # written out, because fused attention has no second derivative, which gradient penalties on D need
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=2)  # [B, H W, H W / 4]; each row sums to 1
        attended: Tensor = self.output((value @ weights.transpose(1, 2)).view(*value.shape[:2], *x.shape[2:]))
        return x + self.gamma * attended


class Stage(NamedTuple):
    """A block of a network, with the number of channels and the side in pixels of the maps that it returns."""

    block: nn.Module
    width: int
    side: int


def with_attention(stages: Sequence[Stage], side: int | None, wrap: Wrap) -> list[nn.Module]:
    """The blocks of ``stages``, with self-attention after the first one whose maps have the ``side`` (None: nowhere).

    Raises:
        UserError: If no map has this side.
    """
    blocks = [stage.block for stage in stages]
    if side is None:
        return blocks
    sides = [stage.side for stage in stages]
    if side not in sides:
        there = ", ".join(map(str, sorted(set(sides))))
        raise UserError(f"attention={side}: the maps of this network have {there} pixels a side.")
    place = sides.index(side)
    return [*blocks[: place + 1], SelfAttention(stages[place].width, wrap), *blocks[place + 1 :]]
