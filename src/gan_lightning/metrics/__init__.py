"""Metrics, one to a file: functions that turn the features of real and of generated images into numbers."""

from gan_lightning.metrics.bootstrap import Bootstrap
from gan_lightning.metrics.classes import ClassCoverage, ClassHistogram
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

__all__ = [
    "Bootstrap",
    "ClassCoverage",
    "ClassHistogram",
    "FrechetDistance",
    "FrechetDistanceAtInfinity",
    "HeldOutMetric",
    "InceptionScore",
    "KernelDistance",
    "Memorisation",
    "Metric",
    "ModeCoverage",
    "Moments",
    "NoiseFloor",
    "PrecisionRecall",
    "Sample",
    "TrainTestGap",
    "frechet_distance",
    "mode_coverage",
    "nearest",
]
