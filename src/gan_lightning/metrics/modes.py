"""Which modes of a known mixture a generator has found, and what share of its samples belongs to a mode."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

from gan_lightning.types import Scalar


class ModeCoverage(NamedTuple):
    """Number of modes that samples have found, and share of the samples that lie at a mode."""

    covered: Int[Tensor, ""]
    """Number of modes that are nearest to at least one high-quality sample."""
    high_quality_share: Scalar
    """Share of high-quality samples among all, `1 - exp(-radius² / 2)` for the mixture itself: 0.9889 for a radius of 3
    standard deviations."""


def mode_coverage(
    points: Float[Tensor, "N 2"], centers: Float[Tensor, "M 2"], std: float, radius: float = 3.0
) -> ModeCoverage:
    """Compare samples with the modes of a mixture of round Gaussians.

    A sample is of high quality if it lies within ``radius`` standard deviations of the nearest center. These are the
    metrics of Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN, https://arxiv.org/abs/1712.04086, sec. 4),
    who draw 2500 samples.
    """
    # not torch.cdist, whose |x|^2 + |y|^2 - 2 x·y (for more than 25 points) loses small distances to rounding
    distances = (points[:, None] - centers).norm(dim=2)
    nearest, mode = distances.min(dim=1)
    high_quality = nearest <= radius * std
    samples_of_mode = mode.new_zeros(len(centers)).index_add_(0, mode, high_quality.to(mode.dtype))
    return ModeCoverage((samples_of_mode > 0).sum(), high_quality.float().mean())
