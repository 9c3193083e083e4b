"""Games between networks: how each is played, and the parts that only games use."""

from gan_lightning.games.adversarial import AdversarialGame
from gan_lightning.games.base import Game
from gan_lightning.games.gan import GAN
from gan_lightning.games.translation.cut import CUT
from gan_lightning.games.translation.cyclegan import CycleGAN
from gan_lightning.games.translation.pix2pix import Pix2Pix

__all__ = ["CUT", "GAN", "AdversarialGame", "CycleGAN", "Game", "Pix2Pix"]
