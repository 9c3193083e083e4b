"""Adversarial losses over logits; every one implements :class:`gan_lightning.types.AdversarialLoss`.

``real`` and ``fake`` are D's logits of real and of fake images; a higher logit means "more likely real". D gives one
for each sample [B], or one for each patch of each sample [B 1 h w]; `E` is then the mean over the batch and the map.
Two identities keep the losses exact at large logits, where `log(sigmoid(x))` would underflow and lose its gradient:

    -log(sigmoid(x))     = softplus(-x)
    -log(1 - sigmoid(x)) = softplus(x)

``border`` is the logit between real and fake: the one that a D which can't tell the two apart gives to every sample.
Losses over differences of logits have no border, because a constant added to all logits does not change them; the
relativistic ones say in ``realness`` how real D takes a sample to be beside the fakes. A loss that is no mean over the
samples, or over pairs of one real and one fake sample, has ``couples_samples`` and can't be computed in parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import relu, softplus

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.parallel.collectives import global_mean
from gan_lightning.types import Draw, Logits, Scalar


@dataclass(frozen=True)
class CrossEntropy:
    """Binary cross-entropy, D's loss in the original game, with three optional changes to its targets.

    Real samples have the target 1, fake samples the target 0. The three changes are applied in this order.

    Args:
        label_smoothing: `s`, which makes the target of real samples `1 - s`; the smoothing is one-sided, as in
            Salimans et al. 2016, sec. 3.4.
        label_flip: Probability with which a sample gets the other side's target.
        label_noise: `n`, by which each target is lowered to `t - n u` with `u ~ U[0, 1)` for each sample. The Keras
            DCGAN tutorial adds the noise instead, because its labels are the other way round: its 1 means fake.
    """

    border: ClassVar[float] = 0.0
    label_smoothing: float = 0.0
    label_noise: float = 0.0
    label_flip: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            UserError: If one of them is below 0, or is 1 or more.
        """
        for name in ("label_smoothing", "label_noise", "label_flip"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UserError(f"loss.{name} is {value}, but must be at least 0 and less than 1.")

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`E[-log D(x)] + E[-log(1 - D(G(z)))]`, Goodfellow et al. 2014, eq. 1."""
        target_real, target_fake = 1 - self.label_smoothing, 0.0
        return (
            soft_cross_entropy(real, self._targets("real", target_real, target_fake, real, draw)).mean()
            + soft_cross_entropy(fake, self._targets("fake", target_fake, target_real, fake, draw)).mean()
        )

    def _targets(self, side: str, target: float, flipped: float, logits: Logits, draw: Draw) -> Logits | float:
        if target in (0, 1) and not self.label_flip and not self.label_noise:
            return target
        shape = (len(logits), *(1 for _ in logits.shape[1:]))  # all patches of a sample have its label
        targets = torch.full(shape, target, device=logits.device)
        if self.label_flip:
            targets = targets.masked_fill(draw.uniform(f"label flip, {side}", shape) < self.label_flip, flipped)
        if self.label_noise:
            targets = targets - self.label_noise * draw.uniform(f"label noise, {side}", shape)
        return targets.expand_as(logits)


@dataclass(frozen=True)
class NonSaturating(CrossEntropy):
    """The non-saturating loss, which is used in practice: G maximises `log D(G(z))`. Goodfellow et al. 2014, sec. 3."""

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`E[-log D(G(z))]`, whose gradient does not vanish where D is sure that the samples are fake."""
        return softplus(-at_least_float32(fake)).mean()  # -log(sigmoid(fake))


@dataclass(frozen=True)
class Minimax(CrossEntropy):
    """The minimax loss (zero-sum game), which saturates for G. Goodfellow et al. 2014, eq. 1.

    G minimises `log(1 - D(G(z)))`, whose gradient vanishes where D is sure that the samples are fake.
    """

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`E[log(1 - D(G(z)))]`."""
        return -softplus(at_least_float32(fake)).mean()  # log(1 - sigmoid(fake))


@dataclass(frozen=True)
class LeastSquares:
    """The least-squares loss (LSGAN) with the targets `a = 0` for fake and `b = c = 1` for real.

    Mao et al. 2017, https://arxiv.org/abs/1611.04076, eq. 9. `D(x)` is the logit itself.

    Args:
        factor: `w`, before each square: 1/2 in Mao et al., 1 in Zhu et al. 2017 (CycleGAN).
    """

    factor: float = 0.5

    border: ClassVar[float] = 0.5

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`w E[(D(x) - 1)²] + w E[D(G(z))²]`."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return self.factor * (real - 1).square().mean() + self.factor * fake.square().mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`w E[(D(G(z)) - 1)²]`."""
        return self.factor * (at_least_float32(fake) - 1).square().mean()


@dataclass(frozen=True)
class Hinge:
    """The hinge loss: D gains nothing from logits beyond 1 for real samples and below -1 for fake ones.

    Lim & Ye 2017, https://arxiv.org/abs/1705.02894; Miyato et al. 2018, eqs. 16 and 17. `D(x)` is the logit itself.
    """

    border: ClassVar[float] = 0.0

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]`."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`-E[D(G(z))]`."""
        return -at_least_float32(fake).mean()


@dataclass(frozen=True)
class Wasserstein:
    """The loss of the Wasserstein GAN (WGAN). Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, eq. 2.

    It estimates the Wasserstein distance only if D is Lipschitz continuous, so it needs a gradient penalty (WGAN-GP)
    or weight clipping. `D(x)` is the logit itself.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`E[D(G(z))] - E[D(x)]`, the negative of the estimated distance."""
        return at_least_float32(fake).mean() - at_least_float32(real).mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`-E[D(G(z))]`."""
        return -at_least_float32(fake).mean()


@dataclass(frozen=True)
class Relativistic:
    """The relativistic pairing loss (RpGAN), which compares each real sample with one fake sample.

    Of maps of logits it compares each patch with the one in the same place.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, sec. 4; Huang et al. 2024,
    https://arxiv.org/abs/2501.05441, sec. 2.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`E[-log σ(D(x) - D(G(z)))]`, where `σ` is the sigmoid."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return softplus(-(real - fake)).mean()  # -log(sigmoid(real - fake))

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`E[-log σ(D(G(z)) - D(x))]`, where `σ` is the sigmoid."""
        fake, real_logits = at_least_float32(fake), at_least_float32(real())
        return softplus(-(fake - real_logits)).mean()  # -log(sigmoid(fake - real))

    def realness(self, real: Logits, fake: Logits) -> Logits:
        """`D(x) - D(G(z))`, whose sign R3GAN's authors report as well."""
        return at_least_float32(real) - at_least_float32(fake)


@dataclass(frozen=True)
class RelativisticAverage:
    """The relativistic average loss (RaGAN), which compares each logit with the mean logit of the other side.

    The means run over the maps and the batches of all processes, so several GPUs give the same loss as one.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, sec. 4.
    """

    couples_samples: ClassVar[bool] = True

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """`E[-log σ(D(x) - E D(G(z)))] + E[-log(1 - σ(D(G(z)) - E D(x)))]`, where `σ` is the sigmoid."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return softplus(-(real - global_mean(fake))).mean() + softplus(fake - global_mean(real)).mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """`E[-log σ(D(G(z)) - E D(x))] + E[-log(1 - σ(D(x) - E D(G(z))))]`: D's loss with the sides exchanged."""
        fake, real_logits = at_least_float32(fake), at_least_float32(real())
        return softplus(real_logits - global_mean(fake)).mean() + softplus(-(fake - global_mean(real_logits))).mean()

    def realness(self, real: Logits, fake: Logits) -> Logits:
        """`D(x) - E D(G(z))`."""
        return at_least_float32(real) - global_mean(at_least_float32(fake))


def soft_cross_entropy(logits: Logits, targets: Logits | float) -> Logits:
    """`-t log σ(x) - (1 - t) log(1 - σ(x))` of each logit `x` and its target `t`.

    Targets outside [0, 1] are allowed, but the loss then has no lower bound: at `t = 1.025` and `x = 50` it is -1.25.
    """
    logits = at_least_float32(logits)
    if isinstance(targets, float) and targets in (0, 1):  # one of the two terms is 0: leaving it out changes no bit
        return softplus(-logits) if targets else softplus(logits)
    return targets * softplus(-logits) + (1 - targets) * softplus(logits)
