"""All illnesses that the doctor looks for, in the order in which they are named."""

from __future__ import annotations

from gan_lightning.health.balance import DiscriminatorWins, GeneratorWins, Oscillation
from gan_lightning.health.collapse import ModeCollapse
from gan_lightning.health.illness import Illness
from gan_lightning.health.memory import Memorisation, TooFewImages
from gan_lightning.health.not_finite import NotFinite
from gan_lightning.health.output import SaturatedOutput
from gan_lightning.health.weights import ExplodingWeights, SpectralNorms, StandingStill

ILLNESSES: tuple[Illness, ...] = (
    NotFinite(),
    StandingStill(),
    ExplodingWeights(),
    SpectralNorms(),
    DiscriminatorWins(),
    GeneratorWins(),
    Oscillation(),
    ModeCollapse(),
    SaturatedOutput(),
    TooFewImages(),
    Memorisation(),
)
