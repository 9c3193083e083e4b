"""Does the generator copy its training images? Distances to the nearest of them, against those of unseen images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor

from gan_lightning.metrics.held_out import HeldOutMetric
from gan_lightning.metrics.metric import Sample, require_at_least, seeded
from gan_lightning.metrics.neighbours import nearest
from gan_lightning.types import Scalar


class CopyingTest(NamedTuple):
    """How the distances of fakes to their nearest training image compare with those of held-out images."""

    closer: Scalar
    """The probability that a fake is closer than a held-out image, ties half: 0.5 where nothing is copied, 1 where all
    is."""
    z: Scalar
    """The same as a z-score of the Mann-Whitney U test: far below 0 speaks of copying, far above of underfitting."""


def copying_test(fake: Float64[Tensor, " M"], held_out: Float64[Tensor, " N"]) -> CopyingTest:
    """Meehan, Chaudhuri & Dasgupta 2020, https://arxiv.org/abs/2004.05675: their C_T with all space as a single cell.

    U counts the pairs in which the held-out image is the closer one. If fakes were unseen images, its mean would be
    `MN / 2` and its variance `MN / 12 ((L + 1) - Σ (t³ - t) / (L (L - 1)))`, where `L = M + N` and the sum is over the
    groups of `t` equal distances among all of them: copies of training images are all at a distance of 0. Where all
    distances are equal, the variance is 0 and so is ``z``.
    """
    m, n = len(fake), len(held_out)
    ordered = held_out.sort().values
    below = torch.searchsorted(ordered, fake, right=False)
    up_to = torch.searchsorted(ordered, fake, right=True)
    u = (below + up_to).double().sum() / 2
    together = m + n
    tied = torch.unique(torch.cat([fake, held_out]), return_counts=True)[1].double()
    ties = (tied.pow(3) - tied).sum() / (together * (together - 1))
    deviation = (m * n / 12 * (together + 1 - ties)).sqrt()
    z = torch.where(deviation > 0, (u - m * n / 2) / deviation, 0.0)
    return CopyingTest(closer=1 - u / (m * n), z=z)


@dataclass(frozen=True)
class Memorisation(HeldOutMetric):
    """``closer_to_train``, ``copying_z`` and ``near_copies``, see :func:`copying_test`.

    ``near_copies`` is the share of fakes that are closer to their nearest training image than all but one in a hundred
    held-out images are to theirs: 0.01 where nothing is copied.

    ``train`` should be all training images, for a copy of one that is left out goes unseen. At most ``samples`` fakes
    and as many held-out images are looked up, since each costs as many distances as there are training images.
    """

    samples: int = 1000
    seed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: for fewer samples than a hundredth can be told from.
        """
        require_at_least(100, samples=self.samples)

    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """All three."""
        random = seeded(self.seed, "memorisation")
        of_fakes, of_held_out = (
            nearest(sample.subset(self.samples, random).features, train.features).distances
            for sample in (fake, held_out)
        )
        closer, z = copying_test(of_fakes, of_held_out)
        close = of_held_out.quantile(0.01)
        return {
            "closer_to_train": float(closer),
            "copying_z": float(z),
            "near_copies": float((of_fakes < close).double().mean()),
        }
