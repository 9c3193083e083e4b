"""Adversarial losses over logits; every one implements :class:`gan_lightning.types.AdversarialLoss`.

``real`` and ``fake`` are logits [B], 1 = real. The identities that keep them exact at large logits, where
``log(sigmoid(x))`` would underflow and lose its gradient:

    -log(sigmoid(x))     = softplus(-x)
    -log(1 - sigmoid(x)) = softplus(x)

``border`` is the logit between real and fake where a loss has one, which a D that can't tell gives to every sample.
Losses over differences of logits have none: a constant added to all of them changes nothing.
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
    """D's side of the original game, and the three tricks on its targets.

    Real samples have the target 1, fake ones 0. ``label_smoothing`` s makes the real target 1 - s (one-sided:
    Salimans et al. 2016, sec. 3.4). Each sample has the other side's target with the probability ``label_flip``.
    ``label_noise`` n then lowers each target by n * u, u ~ U[0, 1), as the Keras DCGAN tutorial does (whose labels
    are the other way round: it adds the noise, and its 1 means fake).
    """

    border: ClassVar[float] = 0.0
    label_smoothing: float = 0.0
    label_noise: float = 0.0
    label_flip: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            UserError: for a value out of its range.
        """
        for name in ("label_smoothing", "label_noise", "label_flip"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UserError(f"loss.{name} is {value}, but must be at least 0 and less than 1.")

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """E[-log D(x)] + E[-log(1 - D(G(z)))], Goodfellow et al. 2014, eq. 1."""
        target_real, target_fake = 1 - self.label_smoothing, 0.0
        return (
            soft_cross_entropy(real, self._targets("real", target_real, target_fake, real, draw)).mean()
            + soft_cross_entropy(fake, self._targets("fake", target_fake, target_real, fake, draw)).mean()
        )

    def _targets(self, side: str, target: float, flipped: float, logits: Logits, draw: Draw) -> Logits:
        shape = tuple(logits.shape)
        targets = torch.full(shape, target, device=logits.device)
        if self.label_flip:
            targets = targets.masked_fill(draw.uniform(f"label flip, {side}", shape) < self.label_flip, flipped)
        if self.label_noise:
            targets = targets - self.label_noise * draw.uniform(f"label noise, {side}", shape)
        return targets


@dataclass(frozen=True)
class NonSaturating(CrossEntropy):
    """The game as it is played in practice: G maximises log D(G(z)). Goodfellow et al. 2014, sec. 3."""

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """E[-log D(G(z))]; its gradient does not vanish where D is sure that the samples are fake."""
        return softplus(-at_least_float32(fake)).mean()  # -log(sigmoid(fake))


@dataclass(frozen=True)
class Minimax(CrossEntropy):
    """The zero-sum game: G minimises log(1 - D(G(z))) and saturates where D wins. Goodfellow et al. 2014, eq. 1."""

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """E[log(1 - D(G(z)))]."""
        return -softplus(at_least_float32(fake)).mean()  # log(1 - sigmoid(fake))


@dataclass(frozen=True)
class LeastSquares:
    """LSGAN with the labels a = 0, b = c = 1. Mao et al. 2017, https://arxiv.org/abs/1611.04076, eq. 9."""

    border: ClassVar[float] = 0.5

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """E[(D(G(z)) - 1)^2] / 2."""
        return 0.5 * (at_least_float32(fake) - 1).square().mean()


@dataclass(frozen=True)
class Hinge:
    """Lim & Ye 2017, https://arxiv.org/abs/1705.02894; Miyato et al. 2018, eqs. 16 and 17."""

    border: ClassVar[float] = 0.0

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """-E[D(G(z))]."""
        return -at_least_float32(fake).mean()


@dataclass(frozen=True)
class Wasserstein:
    """Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, eq. 2.

    It estimates a distance only for a Lipschitz critic: take it with a gradient penalty or with weight clipping.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """E[D(G(z))] - E[D(x)], the negative of the estimated distance."""
        return at_least_float32(fake).mean() - at_least_float32(real).mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """-E[D(G(z))]."""
        return -at_least_float32(fake).mean()


@dataclass(frozen=True)
class Relativistic:
    """RpGAN: each real sample against one fake sample.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, sec. 4; Huang et al. 2024,
    https://arxiv.org/abs/2501.05441, sec. 2.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """E[-log sigmoid(D(x) - D(G(z)))]."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return softplus(-(real - fake)).mean()  # -log(sigmoid(real - fake))

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """E[-log sigmoid(D(G(z)) - D(x))]."""
        fake, real_logits = at_least_float32(fake), at_least_float32(real())
        return softplus(-(fake - real_logits)).mean()  # -log(sigmoid(fake - real))


@dataclass(frozen=True)
class RelativisticAverage:
    """RaGAN: each sample against the mean of the other side, over the batches of all processes.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, sec. 4.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """E[-log sigmoid(D(x) - E D(G(z)))] + E[-log(1 - sigmoid(D(G(z)) - E D(x)))]."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        return softplus(-(real - global_mean(fake))).mean() + softplus(fake - global_mean(real)).mean()

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """The same with the two sides exchanged."""
        fake, real_logits = at_least_float32(fake), at_least_float32(real())
        return softplus(real_logits - global_mean(fake)).mean() + softplus(-(fake - global_mean(real_logits))).mean()


def soft_cross_entropy(logits: Logits, targets: Logits) -> Logits:
    """-t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)) for each sample, also for targets outside [0, 1].

    There it has no lower bound: at t = 1.025 and x = 50 it is -1.25.
    """
    logits = at_least_float32(logits)
    return targets * softplus(-logits) + (1 - targets) * softplus(logits)
