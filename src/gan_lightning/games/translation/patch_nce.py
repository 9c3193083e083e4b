"""PatchNCE: a patch of an output should resemble the patch of the input at its place more than those elsewhere.

Park et al. 2020 (CUT), https://arxiv.org/abs/2007.15651, sec. 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from gan_lightning.losses.precision import at_least_float32
from gan_lightning.networks.parts.dcgan_weights import STD
from gan_lightning.types import Draw, Images, Scalar

Patches = Float[Tensor, "B S K"]
"""For each image one vector of length K at each of S places."""

SHORTEST = 1e-3
"""Vectors that are shorter are divided by this: where all features are 0, the gradient would be unbounded."""


@runtime_checkable
class Encoder(Protocol):
    """A generator whose first layers can be asked for their maps."""

    def features(self, x: Images, places: Sequence[int]) -> list[Tensor]:
        """Maps [B C h w] after the layers with these numbers, in rising order."""
        ...


class Projection(nn.Module):
    """A perceptron of two layers for each map, whose output is divided by its length: `H_l` of sec. 3.

    Args:
        channels: Channels of each map.
        width: Length of the hidden layer and of the output.
    """

    def __init__(self, channels: Sequence[int], width: int = 256) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(each, width), nn.ReLU(), nn.Linear(width, width)) for each in channels
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=STD)
                nn.init.zeros_(module.bias)

    def forward(self, maps: Sequence[Tensor], places: Sequence[Tensor]) -> list[Patches]:
        """Vectors [B S K] of each of the maps [B C h w] at its places [B S], which count row by row."""
        return [
            normalize(at_least_float32(layer(patches(each, where))), dim=2, eps=SHORTEST)
            for layer, each, where in zip(self.layers, maps, places, strict=True)
        ]


def patches(maps: Float[Tensor, "B C h w"], places: Int[Tensor, "B S"]) -> Float[Tensor, "B S C"]:
    """The columns of the maps at some places."""
    columns = maps.flatten(2).transpose(1, 2)
    return columns.gather(1, places[:, :, None].expand(-1, -1, columns.shape[2]))


def random_places(maps: Float[Tensor, "B C h w"], count: int, draw: Draw, purpose: str) -> Int[Tensor, "B S"]:
    """``count`` places in each map, none of them twice; all of them if there are not more."""
    shape = len(maps), maps.shape[2] * maps.shape[3]
    return draw.uniform(purpose, shape).topk(min(count, shape[1])).indices


def patch_nce(query: Patches, key: Patches, temperature: float) -> Scalar:
    """`E[-log(exp(v·v+/τ) / Σ exp(v·v'/τ))]`, eq. 3, with the negatives from the same image and `v+` at `v`'s place."""
    similarity = query @ key.transpose(1, 2) / temperature  # [B S S]
    target = torch.arange(similarity.shape[1], device=similarity.device).expand(len(similarity), -1)
    return cross_entropy(similarity.flatten(0, 1), target.flatten())
