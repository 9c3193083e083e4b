"""The losses of an auxiliary classifier (AC-GAN): D also predicts the class of an image, and G learns to be recognised.

Odena, Olah & Shlens 2017, https://arxiv.org/abs/1610.09585, sec. 3. Their class likelihood is

    L_C = E[log P(C = c | X_real)] + E[log P(C = c | X_fake)]

which both players maximise: D maximises both terms, G the second. Here it is split into three losses, which are to be
minimised: one of D on real images, one of D on fake images, and one of G.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn.functional import cross_entropy

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.types import DiscriminatorUpdate, GeneratorUpdate, Labels, Scalar, Verdict


@dataclass(frozen=True)
class AuxiliaryReal:
    """D's class loss on real images, `-E[log P(C = c | X_real)]` times ``weight``."""

    weight: float = 1.0

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted loss in one update of D."""
        return self.weight * class_loss(update.real_verdict, update.labels)


@dataclass(frozen=True)
class AuxiliaryFake:
    """D's class loss on fake images, `-E[log P(C = c | X_fake)]` times ``weight``; `c` is the class asked of G."""

    weight: float = 1.0

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted loss in one update of D."""
        return self.weight * class_loss(update.fake_verdict, update.labels)


@dataclass(frozen=True)
class AuxiliaryGenerator:
    """G's class loss, `-E[log P(C = c | X_fake)]` times ``weight``; `c` is the class asked of G."""

    weight: float = 1.0

    def __call__(self, update: GeneratorUpdate) -> Scalar:
        """The weighted loss in one update of G."""
        return self.weight * class_loss(update.verdict, update.labels)


def class_loss(verdict: Verdict, labels: Labels | None) -> Scalar:
    """The cross-entropy of D's class logits [B K] with the labels [B], averaged over the batch.

    Raises:
        UserError: If D returns no class logits, or the networks take no labels.
    """
    if verdict.classes is None or labels is None:
        raise UserError(
            "an auxiliary term needs class logits, which this discriminator does not give. "
            "Use conditioning.discriminator=auxiliary."
        )
    return cross_entropy(at_least_float32(verdict.classes), labels)
