"""Games between networks: how each is played, and the parts that only games use."""

from gan_lightning.games.adversarial import AdversarialGame
from gan_lightning.games.base import Game
from gan_lightning.games.gan import GAN

__all__ = ["GAN", "AdversarialGame", "Game"]
