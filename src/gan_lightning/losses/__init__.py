"""Adversarial losses, gradient penalties (R1, R2, WGAN-GP, DRAGAN), auxiliary class losses and weight clipping."""

from gan_lightning.losses.adversarial import (
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    Wasserstein,
)
from gan_lightning.losses.auxiliary import AuxiliaryFake, AuxiliaryGenerator, AuxiliaryReal
from gan_lightning.losses.mixed_batch import MixedBatch
from gan_lightning.losses.penalties import R1, R2, Dragan, GradientPenalty
from gan_lightning.losses.realness import realness_of
from gan_lightning.losses.top_k import TopK
from gan_lightning.losses.weight_clip import WeightClip

__all__ = [
    "R1",
    "R2",
    "AuxiliaryFake",
    "AuxiliaryGenerator",
    "AuxiliaryReal",
    "Dragan",
    "GradientPenalty",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "MixedBatch",
    "NonSaturating",
    "Relativistic",
    "RelativisticAverage",
    "TopK",
    "Wasserstein",
    "WeightClip",
    "realness_of",
]
