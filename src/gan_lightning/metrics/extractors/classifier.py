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
    """What the classifier makes of a batch."""

    features: Float[Tensor, "B F"]
    logits: ClassLogits


class Block(nn.Module):
    """Two 3 x 3 convolutions, the first followed by a maximum over 2 x 2: half the resolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(out_channels)
        with torch.no_grad():  # start by passing on what comes in
            for convolution in (self.first, self.second):
                nn.init.dirac_(convolution.weight[: convolution.in_channels])

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H2 W2"]:
        """Maps [B, C, H, W] to [B, D, H // 2, W // 2]."""
        x = F.gelu(self.first_norm(F.max_pool2d(self.first(x), 2)))
        return F.gelu(self.second_norm(self.second(x)))


class SmallClassifier(nn.Module):
    """Whitened 2 x 2 patches, blocks that halve the resolution, the maximum of what is left, one linear layer.

    After airbench94 (Jordan 2024, https://arxiv.org/abs/2404.00498), with narrower blocks: fewer than a million
    parameters. The classes are told by the maximum of each last map, as there; the features are the maps' means. The
    Fréchet distance takes features for Gaussian, and a maximum picks out what is odd anywhere: by maxima, an untrained
    generator is farther from MNIST than noise is, and real images with a noise that is hardly seen are far, too.

    Args:
        channels: of the images.
        widths: channels of the blocks; the last is the number of features.
        num_classes: of the data.
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
            images: enough of the training set to estimate a covariance of 4 C dimensions.
            floor: added to the variances, lest directions in which there is little but noise be blown up.
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
        """Features and logits of images [B C H W] in [-1, 1]."""
        x = F.pad(x, (0, 1, 0, 1), mode="replicate")  # so that the whitened maps keep the size of the images
        maps = self.blocks(F.gelu(self.whitening(x)))
        return Verdicts(maps.mean((2, 3)), self.head(maps.amax((2, 3))) / 9)
