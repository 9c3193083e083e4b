"""Gradient penalties on D (R1, R2, WGAN-GP, DRAGAN); every one implements :class:`gan_lightning.types.Penalty`.

The gradient is that of each sample's own logit by its own pixels; where a sample has a map of logits, that of their
mean. Its norm runs over all of C, H and W: a critic with slope 1 everywhere gets exactly 0 from the penalty of WGAN-GP,
whatever the batch size.

Under autocast (mixed precision), norms and their means are computed in float32, because their squares would over- or
underflow in half precision. A penalty that needs a forward pass of its own takes it in float32 too. R1 and R2 use the
forward pass of the loss, so the gradient that they look at has the precision of autocast, as in R3GAN's own training;
``GradientPenalty(weight=gamma / 2, center=0, at="real")`` is R1 with a forward pass of its own in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu

from gan_lightning.errors import UserError
from gan_lightning.losses.precision import at_least_float32
from gan_lightning.parallel.collectives import global_mean
from gan_lightning.types import DiscriminatorUpdate, Images, Logits, Scalar

PerSample: TypeAlias = Float[Tensor, "B"]


@dataclass(frozen=True)
class LazyPenalty:
    """A penalty that acts in every ``interval``-th D update only, and there ``interval`` times as strongly.

    This is the lazy regularisation of Karras et al. 2020 (StyleGAN2), sec. 3.1.
    """

    interval: int = field(default=1, kw_only=True)
    differentiates: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            UserError: If the interval is below 1, or ``weight`` or ``gamma`` is negative.
        """
        if self.interval < 1:
            raise UserError(f"A penalty's interval is {self.interval}, but must be 1 (every D update) or more.")
        for name in ("weight", "gamma"):
            if getattr(self, name, 0) < 0:
                raise UserError(f"A penalty's {name} is {getattr(self, name)}, but must be 0 or more.")

    def due(self, d_updates: int) -> bool:
        """Whether the penalty acts in the D update that follows ``d_updates`` others."""
        return d_updates % self.interval == 0


@dataclass(frozen=True)
class R1(LazyPenalty):
    """The zero-centred gradient penalty on real images, which uses the forward pass of the loss.

    Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, sec. 4.1.
    """

    gamma: float = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("real",)

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """`γ/2 E[‖∇D(x)‖²]` over the real images `x`, times the interval."""
        gradients = input_gradients(update.real_verdict.logits, update.real)
        return self.interval * self.gamma / 2 * squared_norms(gradients).mean()


@dataclass(frozen=True)
class R2(LazyPenalty):
    """The zero-centred gradient penalty on fake images, which uses the forward pass of the loss.

    Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, sec. 4.1.
    """

    gamma: float = 10.0
    differentiates: ClassVar[tuple[str, ...]] = ("fake",)

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """`γ/2 E[‖∇D(G(z))‖²]` over the fake images `G(z)`, times the interval."""
        gradients = input_gradients(update.fake_verdict.logits, update.fake)
        return self.interval * self.gamma / 2 * squared_norms(gradients).mean()


@dataclass(frozen=True)
class GradientPenalty(LazyPenalty):
    """The gradient penalty of WGAN-GP, which pulls the norm of D's gradient towards ``center``.

    Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, eq. 3. It needs a forward pass of its own.

    Args:
        weight: `λ`, the strength of the penalty.
        center: The norm that costs nothing; 1 in the paper.
        one_sided: Whether norms below the center cost nothing either (sec. 4 of the paper).
        at: Where the gradient is taken: "interpolates" for random points between real and fake images, as in the
            paper, or "real" or "fake" for the images themselves.
        interval: The penalty acts in every ``interval``-th D update, and there as many times as strongly.
    """

    weight: float = 10.0
    center: float = 1.0
    one_sided: bool = False
    at: str = "interpolates"

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            UserError: If a number is out of its range, or ``at`` names no known points.
        """
        super().__post_init__()
        if self.at not in POINTS:
            raise UserError(f"A gradient penalty can't be taken at {self.at!r}: choose one of {', '.join(POINTS)}.")

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """`λ E[(‖∇D(x̂)‖ - center)²]` over the points `x̂`, times the interval."""
        excess = gradient_norms(update, POINTS[self.at](update)) - self.center
        if self.one_sided:
            excess = relu(excess)
        return self.interval * self.weight * excess.square().mean()


@dataclass(frozen=True)
class Dragan(LazyPenalty):
    """The penalty of DRAGAN, which pulls the norm of D's gradient towards 1 in the neighbourhood of the real images.

    Kodali et al. 2017, https://arxiv.org/abs/1705.07215. The noise that makes the neighbours is that of the authors'
    code (:func:`perturbed`) and not the Gaussian noise of the paper.
    """

    weight: float = 10.0

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """`λ E[(‖∇D(x + δ)‖ - 1)²]` over the real images `x` and the noise `δ`, times the interval."""
        return self.interval * self.weight * (gradient_norms(update, perturbed(update)) - 1).square().mean()


def interpolates(update: DiscriminatorUpdate) -> Images:
    """`x + ε (G(z) - x)`, a random point between a real and a fake image, with one `ε ~ U[0, 1)` for each sample."""
    real, fake = update.real, update.fake.to(update.real.dtype)
    epsilon = update.draw.uniform("interpolation", (len(real), 1, 1, 1)).to(real.dtype)
    return real + epsilon * (fake - real)


def perturbed(update: DiscriminatorUpdate) -> Images:
    """`x + α/2 std(x) u`, the real images with noise, as in the code of DRAGAN's authors.

    `α ~ U[0, 1)` is drawn once for each sample and `u ~ U[0, 1)` for each pixel; `std(x)` is the standard deviation of
    all pixels of the global batch.
    """
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


def gradient_norms(update: DiscriminatorUpdate, points: Images) -> PerSample:
    """The norm [B] of the critic's gradient at each of the points, computed by a forward pass of its own in float32."""
    points = points.detach().requires_grad_()
    with torch.autocast(points.device.type, enabled=False):
        logits = update.critic(points)
    # vector_norm and not a square root, because its derivative at 0 is 0 and that of a square root is infinite
    norms: PerSample = torch.linalg.vector_norm(input_gradients(logits, points).flatten(1), dim=1)
    return norms


def input_gradients(logits: Logits, images: Images) -> Images:
    """The gradient of each sample's logit, or of its map's mean, by its own pixels; it can be differentiated once more.

    The gradient of the sum of all logits holds the gradients of all samples, because no logit depends on the pixels of
    another sample. Batch norm in D breaks this: the gradients of the samples are then mixed.
    """
    with torch.autocast(images.device.type, enabled=False):
        total = at_least_float32(logits).sum() / logits[0].numel()
        (gradients,) = torch.autograd.grad(total, images, create_graph=True)
    return at_least_float32(gradients)


def squared_norms(gradients: Images) -> PerSample:
    """The squared norm [B] of each sample's gradient."""
    return gradients.square().sum(dim=(1, 2, 3))
