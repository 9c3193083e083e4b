"""The small convolutional classifier behind the extractors ``digits``, ``mnist`` and ``cifar10``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.types import ClassLogits, Images


class Verdicts(NamedTuple):
    """Features and class logits that the classifier gives for a batch."""

    features: Float[Tensor, "B F"]
    logits: ClassLogits


class Block(nn.Module):
    """Two 3 x 3 convolutions, with a maximum over 2 x 2 after the first, which halves the resolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(out_channels)
        with torch.no_grad():  # at first each convolution passes its input on unchanged
            for convolution in (self.first, self.second):
                nn.init.dirac_(convolution.weight[: convolution.in_channels])

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H2 W2"]:
        """Turn maps [B, C, H, W] into maps [B, D, H // 2, W // 2]."""
        x = F.gelu(self.first_norm(F.max_pool2d(self.first(x), 2)))
        return F.gelu(self.second_norm(self.second(x)))


class SmallClassifier(nn.Module):
    """Whitened 2 x 2 patches, blocks that halve the resolution, the maximum of each last map, one linear layer.

    The network follows airbench94 (Jordan 2024, https://arxiv.org/abs/2404.00498), but its blocks are narrower, so that
    it has fewer than a million parameters. As there, the class follows from the maximum of each last map. The features,
    however, are the means of these maps, because the Fréchet distance takes features for Gaussian and a maximum picks
    out whatever is odd anywhere in the image. With maxima as features an untrained generator would be farther from
    MNIST than noise is, and real images with hardly visible noise would be far from real images, too.

    Args:
        channels: Number of channels of the images.
        widths: Number of channels of each block; the last is the number of features.
        num_classes: Number of classes of the data.
    """

    def __init__(self, *, channels: int, widths: Sequence[int], num_classes: int) -> None:
        super().__init__()
        patch = 4 * channels
        self.whitening = nn.Conv2d(channels, 2 * patch, 2)  # each direction with both signs, as GELU follows
        self.whitening.requires_grad_(False)
        depths = [2 * patch, *widths]
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in pairwise(depths)))
        self.head = nn.Linear(depths[-1], num_classes)

    @torch.no_grad()
    def whiten(self, images: Images, floor: float = 0.02) -> None:
        """Set the first layer so that the 2 x 2 patches of ``images`` come out centred, uncorrelated and of variance 1.

        Args:
            images: Training images, enough to estimate a covariance matrix of 4 C dimensions.
            floor: Added to the variances, so that directions that hold little but noise are not blown up.
        """
        size = self.whitening.in_channels * 4
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, size).double()
        mean = patches.mean(0)
        variances, directions = torch.linalg.eigh(torch.cov(patches.T))
        rows = (directions / (variances + floor).sqrt()).T
        rows = torch.cat([rows, -rows])
        self.whitening.weight.copy_(rows.view_as(self.whitening.weight))
        assert self.whitening.bias is not None
        self.whitening.bias.copy_(-rows @ mean)

    def forward(self, x: Images) -> Verdicts:
        """Features [B F] and logits [B K] of images [B C H W] in [-1, 1]."""
        x = F.pad(x, (0, 1, 0, 1), mode="replicate")  # so that the whitened maps keep the size of the images
        maps = self.blocks(F.gelu(self.whitening(x)))
        return Verdicts(maps.mean((2, 3)), self.head(maps.amax((2, 3))) / 9)
