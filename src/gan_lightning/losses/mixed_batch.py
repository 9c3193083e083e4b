"""The non-saturating loss, scaled as if D were trained on real and fake samples joined into one batch."""

from __future__ import annotations

from dataclasses import dataclass

from gan_lightning.losses.adversarial import NonSaturating
from gan_lightning.types import Draw, Logits, Scalar


@dataclass(frozen=True)
class MixedBatch(NonSaturating):
    """The non-saturating loss with D's loss averaged over all of its 2B samples; G's loss is unchanged.

    D's loss is thus half of the sum of its two terms. This is what a classifier's training function computes if it is
    given real and fake samples concatenated, as in the Keras tutorial (Chollet 2017, Deep Learning with Python,
    sec. 8.5). The factor matters if gradients are clipped or if a penalty is added to the loss.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`1/2 (E[-log D(x)] + E[-log(1 - D(G(z)))])`."""
        return 0.5 * super().discriminator(real, fake, draw)
