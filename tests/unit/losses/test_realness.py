"""How real D takes a sample to be, by the loss that it was trained with."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.losses import (
    Hinge,
    LeastSquares,
    Minimax,
    MixedBatch,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    TopK,
    Wasserstein,
    realness_of,
)
from gan_lightning.types import AdversarialLoss

REAL = torch.tensor([-5.0, 1.5, 12.5, 0.5])
FAKE = torch.tensor([10.0, 1.5, -5.5, 6.0])  # their mean is 3


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (NonSaturating(), [-5.0, 1.5, 12.5, 0.5]),
        (Minimax(), [-5.0, 1.5, 12.5, 0.5]),
        (MixedBatch(), [-5.0, 1.5, 12.5, 0.5]),
        (Hinge(), [-5.0, 1.5, 12.5, 0.5]),
        (LeastSquares(), [-5.5, 1.0, 12.0, 0.0]),
        (Relativistic(), [-15.0, 0.0, 18.0, -5.5]),
        (RelativisticAverage(), [-8.0, -1.5, 9.5, -2.5]),
        (TopK(LeastSquares()), [-5.5, 1.0, 12.0, 0.0]),
        (TopK(Relativistic()), [-15.0, 0.0, 18.0, -5.5]),
    ],
    ids=repr,
)
def test_realness(loss: AdversarialLoss, expected: list[float]) -> None:
    realness = realness_of(loss)
    assert realness is not None
    assert realness(REAL, FAKE).tolist() == expected


@pytest.mark.parametrize("loss", [Wasserstein(), TopK(Wasserstein())], ids=repr)
def test_a_critic_takes_no_sample_for_real(loss: AdversarialLoss) -> None:
    assert realness_of(loss) is None
