"""Whether the generator copies training images, judged by the distance of fakes to the nearest training image.

These distances are compared with those of held-out images, which the generator has not seen.
"""

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
    """Comparison of the distances that fakes and held-out images have to their nearest training image."""

    closer: Scalar
    """Probability that a fake is closer than a held-out image, where a tie counts as half.

    It is 0.5 if nothing is copied and 1 if everything is.
    """
    z: Scalar
    """z-score of the Mann-Whitney U test: a value far below 0 means copying, one far above 0 underfitting."""


def copying_test(fake: Float64[Tensor, " M"], held_out: Float64[Tensor, " N"]) -> CopyingTest:
    """Test `C_T` of Meehan, Chaudhuri & Dasgupta 2020, https://arxiv.org/abs/2004.05675, with all space as one cell.

    `U` counts the pairs of a fake and a held-out image in which the held-out image is closer. If fakes were unseen
    images, the mean of `U` would be `MN / 2` and its variance `MN / 12 ((L + 1) - Σ (t³ - t) / (L (L - 1)))`. Here
    `L = M + N`, and the sum is over the groups of `t` equal distances among all of them, which occur because copies of
    training images all have a distance of 0. If all distances are equal, the variance is 0, and ``z`` is set to 0.
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
    """Three signs of copied training images: ``closer_to_train``, ``copying_z`` and ``near_copies``.

    The first two are ``closer`` and ``z`` of :func:`copying_test`. ``near_copies`` is the share of fakes that are
    closer to their nearest training image than all but one in a hundred held-out images are to theirs, which is 0.01 if
    nothing is copied.

    ``train`` should be all training images, because a copy of one that is left out is not found. At most ``samples``
    fakes and as many held-out images are looked up, because each costs as many distances as there are training images.
    """

    samples: int = 1000
    seed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UserError: If there are fewer than 100 samples, of which ``near_copies`` needs the closest hundredth.
        """
        require_at_least(100, samples=self.samples)

    def __call__(self, train: Sample, held_out: Sample, fake: Sample) -> dict[str, float]:
        """All three numbers, by name."""
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
