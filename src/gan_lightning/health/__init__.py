"""The doctor: looks at a run's numbers and samples for the illnesses of GANs, and names those that last."""

from gan_lightning.health.diagnosis import Diagnosis
from gan_lightning.health.doctor import Doctor
from gan_lightning.health.illness import Illness
from gan_lightning.health.illnesses import ILLNESSES
from gan_lightning.health.observations import Interval, Look

__all__ = ["ILLNESSES", "Diagnosis", "Doctor", "Illness", "Interval", "Look"]
