"""Gradient penalties on D; every one implements :class:`gan_lightning.types.Penalty`.

The gradient is that of each sample's own logit by its own pixels, and its norm runs over all of C, H and W: a critic
with slope 1 everywhere gets exactly 0 from the penalty of WGAN-GP, whatever the batch size.

Under autocast, norms and their means are float32: their squares would over- or underflow in half precision. What takes
a forward pass of its own takes it in float32 too. R1 and R2 share the loss's, so the gradient that they look at has the
precision of autocast, as it has in R3GAN's own training; ``GradientPenalty(weight=gamma / 2, center=0, at="real")`` is
R1 with a float32 pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch.nn.functional import relu

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.parallel.collectives import global_mean
from gan_lightning.types import DiscriminatorUpdate, Images, Logits, Scalar


@dataclass(frozen=True)
class LazyPenalty:
    """Acts on every ``interval``-th D update, as many times as strong. Karras et al. 2020 (StyleGAN2), sec. 3.1."""

    interval: int = field(default=1, kw_only=True)
    differentiates: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: for an interval below 1 or a negative strength.
        """
        if self.interval < 1:
            raise UserError(f"A penalty's interval is {self.interval}, but must be 1 (every D update) or more.")
        for name in ("weight", "gamma"):
            if getattr(self, name, 0) < 0:
                raise UserError(f"A penalty's {name} is {getattr(self, name)}, but must be 0 or more.")

    def due(self, d_updates: int) -> bool:
        """Whether it acts in the D update with this number, counted from 0."""
        return d_updates % self.interval == 0


@dataclass(frozen=True)
class R1(LazyPenalty):
    """Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, sec. 4.1; shares the loss's forward pass."""

    gamma: float = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("real",)

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """Gamma / 2 E[|grad D(x)|^2] on real images."""
        gradients = input_gradients(update.real_verdict.logits, update.real)
        return self.interval * self.gamma / 2 * squared_norms(gradients).mean()


@dataclass(frozen=True)
class R2(LazyPenalty):
    """Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, sec. 4.1; shares the loss's forward pass."""

    gamma: float = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("fake",)

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """Gamma / 2 E[|grad D(G(z))|^2] on fake images."""
        gradients = input_gradients(update.fake_verdict.logits, update.fake)
        return self.interval * self.gamma / 2 * squared_norms(gradients).mean()


@dataclass(frozen=True)
class GradientPenalty(LazyPenalty):
    """Pulls the gradient's norm to ``center`` at points between real and fake images, or at either.

    Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, eq. 3. ``one_sided`` lets norms below the center go free
    (their sec. 4). It takes a forward pass of its own.
    """

    weight: float = 10.0
    center: float = 1.0
    one_sided: bool = False
    at: str = "interpolates"

    def __post_init__(self) -> None:
        """Check the numbers and the point.

        Raises:
            UserError: for a number out of range or an unknown point.
        """
        super().__post_init__()
        if self.at not in POINTS:
            raise UserError(f"A gradient penalty can't be taken at {self.at!r}: choose one of {', '.join(POINTS)}.")

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """Weight E[(|grad D| - center)^2]."""
        excess = gradient_norms(update, POINTS[self.at](update)) - self.center
        if self.one_sided:
            excess = relu(excess)
        return self.interval * self.weight * excess.square().mean()


@dataclass(frozen=True)
class Dragan(LazyPenalty):
    """Pulls the gradient's norm to 1 around the real images. Kodali et al. 2017, https://arxiv.org/abs/1705.07215.

    The noise is that of the authors' code and not the Gaussian one of the paper.
    """

    weight: float = 10.0

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """Weight E[(|grad D(x + noise)| - 1)^2]."""
        return self.interval * self.weight * (gradient_norms(update, perturbed(update)) - 1).square().mean()


def interpolates(update: DiscriminatorUpdate) -> Images:
    """X + e (G(z) - x), with one e ~ U[0, 1) for each sample."""
    real, fake = update.real, update.fake.to(update.real.dtype)
    epsilon = update.draw.uniform("interpolation", (len(real), 1, 1, 1)).to(real.dtype)
    return real + epsilon * (fake - real)


def perturbed(update: DiscriminatorUpdate) -> Images:
    """X + a std / 2 u: one a ~ U[0, 1) for each sample, u ~ U[0, 1) for each pixel, std over the global batch."""
    real = update.real.detach()
    std = global_mean((real - global_mean(real)).square()).sqrt()
    alpha = update.draw.uniform("perturbation, size", (len(real), 1, 1, 1)).to(real.dtype)
    noise = update.draw.uniform("perturbation", tuple(real.shape)).to(real.dtype)
    return real + alpha * 0.5 * std * noise


POINTS: Mapping[str, Callable[[DiscriminatorUpdate], Images]] = {
    "interpolates": interpolates,
    "real": lambda update: update.real,
    "fake": lambda update: update.fake.to(update.real.dtype),
}


def gradient_norms(update: DiscriminatorUpdate, points: Images) -> Logits:
    """The norm [B] of the critic's gradient at each of the points, by a forward pass of its own."""
    points = points.detach().requires_grad_()
    with torch.autocast(points.device.type, enabled=False):
        logits = update.critic(points)
    # vector_norm and not a square root: its derivative at 0 is 0, where that of the root is infinite
    norms: Logits = torch.linalg.vector_norm(input_gradients(logits, points).flatten(1), dim=1)
    return norms


def input_gradients(logits: Logits, images: Images) -> Images:
    """The gradient of each sample's logit by its own pixels, differentiable once more.

    The gradient of the sum holds them all, because no logit depends on another sample's pixels; where batch norm in D
    makes it do so, they are mixed.
    """
    with torch.autocast(images.device.type, enabled=False):
        (gradients,) = torch.autograd.grad(at_least_float32(logits).sum(), images, create_graph=True)
    return at_least_float32(gradients)


def squared_norms(gradients: Images) -> Logits:
    """The squared norm [B] of each sample's gradient."""
    return gradients.square().sum(dim=(1, 2, 3))
