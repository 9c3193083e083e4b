"""Extractors turn images into features: classifiers that come with the package, Inception, or a module of your own."""

from gan_lightning.metrics.extractors.base import Extractor
from gan_lightning.metrics.extractors.frozen import FrozenExtractor, ModuleExtractor
from gan_lightning.metrics.extractors.inception import InceptionExtractor
from gan_lightning.metrics.extractors.shipped import ClassifierExtractor

__all__ = ["ClassifierExtractor", "Extractor", "FrozenExtractor", "InceptionExtractor", "ModuleExtractor"]
