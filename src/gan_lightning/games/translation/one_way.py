"""What games with one generator, from domain a to domain b, and one discriminator have in common."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import nn

from gan_lightning.data.translation.loader import TranslationBatch
from gan_lightning.games.translation.base import ImagesA, ImagesB, TranslationGame
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import Images


class OneWayGame(TranslationGame):
    """Base of games in which G maps a to b and one D judges the images of domain b, or pairs with them.

    The fakes of the last D update are those of G's step, as in the code of the authors of Pix2Pix and CUT.
    """

    generator: nn.Module
    discriminator: nn.Module

    @abstractmethod
    def shown(self, a: ImagesA, b: ImagesB) -> Images:
        """What D sees of an image b, real or made, that belongs to a."""

    @abstractmethod
    def update_generator(self, a: ImagesA, b: ImagesB, fake: ImagesB, draw: UpdateDraw) -> None:
        """Descend G against a frozen D.

        Args:
            a: Images of domain a.
            b: Images of domain b.
            fake: `G(a)`.
            draw: The random numbers of this update.
        """

    def iterate(self, batch: TranslationBatch) -> None:
        """``n_critic`` updates of D on one share of the images each, then one of G on the last."""
        for update, (a, b) in enumerate(self.shares(batch)):
            draw = self.draw(f"D{update}")
            with torch.set_grad_enabled(update == self.n_critic - 1):
                fake = self.generator(a)
            self.update_discriminator(self.shown(a, b), self.shown(a, fake.detach()), draw)
        self.update_generator(a, b, fake, self.draw("G"))

    def update_discriminator(self, real: Images, fake: Images, draw: UpdateDraw) -> None:
        """Descend D on what it is shown of real images and of fakes, some of which the image pool may replace."""
        seen = self.examine(self.discriminator, real, self.image_pool(fake, draw.named("image_pool")), None, draw)
        loss = self.loss.discriminator(seen.real_verdict.logits, seen.fake_verdict.logits, draw)
        terms = {"loss/discriminator": self.discriminator_weight * loss}
        self.descend("discriminator", terms | self.extra_discriminator_terms(seen))
        self.constrain()
        self.observe(seen)
