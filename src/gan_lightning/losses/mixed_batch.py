"""The non-saturating game for a D that is trained on real and fake samples as one batch."""

from __future__ import annotations

from dataclasses import dataclass

from gan_lightning.losses.adversarial import NonSaturating
from gan_lightning.types import Draw, Logits, Scalar


@dataclass(frozen=True)
class MixedBatch(NonSaturating):
    """D's loss is the mean over its 2B samples, half of the sum of the two terms; G's is as it was.

    That is what a classifier's training function gives which gets the two concatenated (Chollet 2017, Deep Learning
    with Python, sec. 8.5). It matters where gradients are clipped, or weighed against a penalty.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """(E[-log D(x)] + E[-log(1 - D(G(z)))]) / 2."""
        return 0.5 * super().discriminator(real, fake, draw)
