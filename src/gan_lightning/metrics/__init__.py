"""Metrics, one to a file: functions that turn features of images, or images themselves, into numbers."""

from gan_lightning.metrics.bootstrap import Bootstrap
from gan_lightning.metrics.classes import ClassAsked, ClassCoverage, ClassHistogram
from gan_lightning.metrics.frechet import FrechetDistance, FrechetDistanceAtInfinity, frechet_distance
from gan_lightning.metrics.held_out import HeldOutMetric, NoiseFloor, TrainTestGap
from gan_lightning.metrics.inception_score import InceptionScore
from gan_lightning.metrics.kernel import KernelDistance
from gan_lightning.metrics.memorisation import Memorisation
from gan_lightning.metrics.metric import Metric, Sample
from gan_lightning.metrics.modes import ModeCoverage, mode_coverage
from gan_lightning.metrics.moments import Moments
from gan_lightning.metrics.neighbours import nearest
from gan_lightning.metrics.precision_recall import PrecisionRecall
from gan_lightning.metrics.translated import (
    AbsoluteError,
    Case,
    ClassKept,
    CycleError,
    IdentityError,
    PeakSignalToNoise,
    StructuralSimilarity,
    Translated,
    TranslationMetric,
)

__all__ = [
    "AbsoluteError",
    "Bootstrap",
    "Case",
    "ClassAsked",
    "ClassCoverage",
    "ClassHistogram",
    "ClassKept",
    "CycleError",
    "FrechetDistance",
    "FrechetDistanceAtInfinity",
    "HeldOutMetric",
    "IdentityError",
    "InceptionScore",
    "KernelDistance",
    "Memorisation",
    "Metric",
    "ModeCoverage",
    "Moments",
    "NoiseFloor",
    "PeakSignalToNoise",
    "PrecisionRecall",
    "Sample",
    "StructuralSimilarity",
    "TrainTestGap",
    "Translated",
    "TranslationMetric",
    "frechet_distance",
    "mode_coverage",
    "nearest",
]
