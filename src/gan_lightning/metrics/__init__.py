"""How good a generator is."""

from gan_lightning.metrics.bootstrap import Bootstrap
from gan_lightning.metrics.classes import ClassCoverage, ClassHistogram
from gan_lightning.metrics.extractor import Extractor
from gan_lightning.metrics.features import FrozenExtractor, ModuleExtractor
from gan_lightning.metrics.frechet import FrechetDistance, FrechetDistanceAtInfinity, frechet_distance
from gan_lightning.metrics.gathering import gathered_samples, share
from gan_lightning.metrics.held_out import HeldOutMeasure, NoiseFloor, TrainTestGap
from gan_lightning.metrics.inception import InceptionExtractor
from gan_lightning.metrics.inception_score import InceptionScore
from gan_lightning.metrics.kernel import KernelDistance
from gan_lightning.metrics.measure import Measure, Sample
from gan_lightning.metrics.memorisation import Memorisation
from gan_lightning.metrics.modes import ModeCoverage, mode_coverage
from gan_lightning.metrics.moments import Moments
from gan_lightning.metrics.neighbours import nearest
from gan_lightning.metrics.precision_recall import PrecisionRecall
from gan_lightning.metrics.shipped import ClassifierExtractor
from gan_lightning.protocol import Protocol, require_same

__all__ = [
    "Bootstrap",
    "ClassCoverage",
    "ClassHistogram",
    "ClassifierExtractor",
    "Extractor",
    "FrechetDistance",
    "FrechetDistanceAtInfinity",
    "FrozenExtractor",
    "HeldOutMeasure",
    "InceptionExtractor",
    "InceptionScore",
    "KernelDistance",
    "Measure",
    "Memorisation",
    "ModeCoverage",
    "ModuleExtractor",
    "Moments",
    "NoiseFloor",
    "PrecisionRecall",
    "Protocol",
    "Sample",
    "TrainTestGap",
    "frechet_distance",
    "gathered_samples",
    "mode_coverage",
    "nearest",
    "require_same",
    "share",
]
