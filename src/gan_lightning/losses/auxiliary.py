"""The auxiliary classifier: D also says of which class an image is, and G wants its samples recognised.

Odena, Olah & Shlens 2017, https://arxiv.org/abs/1610.09585, sec. 3. Their class likelihood is

    L_C = E[log P(C = c | X_real)] + E[log P(C = c | X_fake)]

which both players maximise: D each of the two terms, G the second. Here they are three losses to be minimised.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn.functional import cross_entropy

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.types import DiscriminatorUpdate, GeneratorUpdate, Labels, Scalar, Verdict


@dataclass(frozen=True)
class AuxiliaryReal:
    """-E[log P(C = c | X_real)] for D."""

    weight: float = 1.0

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted loss of an update of D."""
        return self.weight * class_loss(update.real_verdict, update.labels)


@dataclass(frozen=True)
class AuxiliaryFake:
    """-E[log P(C = c | X_fake)] for D, whose c is what G was asked for."""

    weight: float = 1.0

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted loss of an update of D."""
        return self.weight * class_loss(update.fake_verdict, update.labels)


@dataclass(frozen=True)
class AuxiliaryGenerator:
    """-E[log P(C = c | X_fake)] for G."""

    weight: float = 1.0

    def __call__(self, update: GeneratorUpdate) -> Scalar:
        """The weighted loss of an update of G."""
        return self.weight * class_loss(update.verdict, update.labels)


def class_loss(verdict: Verdict, labels: Labels | None) -> Scalar:
    """Cross-entropy of D's class logits [B K] with the labels [B], the mean over the batch.

    Raises:
        UserError: D gives no class logits, or the networks take no labels.
    """
    if verdict.classes is None or labels is None:
        raise UserError(
            "an auxiliary term needs class logits, which this discriminator does not give. "
            "Use conditioning.discriminator=auxiliary."
        )
    return cross_entropy(at_least_float32(verdict.classes), labels)
