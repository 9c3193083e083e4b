"""Quality of generated images as numbers, each with the protocol by which it was measured."""

from gan_lightning.quality.evaluator import Evaluator, Number
from gan_lightning.quality.fakes import Fakes
from gan_lightning.quality.real import RealImages, real_images
from gan_lightning.quality.subject import Drawn, Subject
from gan_lightning.quality.translations import Translations

__all__ = ["Drawn", "Evaluator", "Fakes", "Number", "RealImages", "Subject", "Translations", "real_images"]
