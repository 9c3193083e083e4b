"""The words of this project as types: shapes, and what a loss, a penalty, a term or a network must offer.

Legend of shapes: B samples of this process in one update, C channels, H and W pixels, Z latent dimensions.
Images are floats in [-1, 1]; logits are raw scores, 1 = real; a missing label is ``None``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from jaxtyping import Float, Int, UInt8
from torch import Tensor

Images: TypeAlias = Float[Tensor, "B C H W"]
Bytes: TypeAlias = UInt8[Tensor, "B C H W"]
Labels: TypeAlias = Int[Tensor, "B"] | Float[Tensor, "B K"]
"""A class for each sample; or, for images between classes, the weight of each class, whose sum is 1."""
Latents: TypeAlias = Float[Tensor, "B Z"]
Logits: TypeAlias = Float[Tensor, "B"]
ClassLogits: TypeAlias = Float[Tensor, "B K"]
Scalar: TypeAlias = Float[Tensor, ""]
Critic: TypeAlias = Callable[[Tensor], Tensor]
"""``critic(x) -> logits``: the discriminator with its augmentation and its labels already bound."""


class Verdict(NamedTuple):
    """What a discriminator says of a batch: a logit a sample and, where it has such a head, class logits."""

    logits: Logits
    classes: ClassLogits | None = None


@runtime_checkable
class Draw(Protocol):
    """Random numbers of one update, drawn for the global batch and cut to this process's share.

    ``shape`` is the local shape, its first dimension the local batch. The same (seed, iteration, update, purpose)
    gives the same numbers whatever the number of processes.
    """

    def named(self, name: str) -> Draw:
        """A stream of its own for one part of the update, so that two parts may use the same purpose."""
        ...

    def normal(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers of the local ``shape``."""
        ...

    def uniform(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Numbers from U[0, 1) of the local ``shape``."""
        ...

    def integers(self, purpose: str, high: int, shape: tuple[int, ...]) -> Tensor:
        """Integers from 0 to ``high`` - 1 of the local ``shape``, int64."""
        ...


@dataclass(frozen=True)
class DiscriminatorUpdate:
    """One D update as a penalty or term on D sees it, after the forward passes and before the backward pass."""

    real: Images
    fake: Images
    labels: Labels | None
    real_verdict: Verdict
    fake_verdict: Verdict
    critic: Critic
    draw: Draw


@dataclass(frozen=True)
class GeneratorUpdate:
    """One G update as a term on G sees it; D's parameters are frozen here."""

    fake: Images
    labels: Labels | None
    verdict: Verdict
    critic: Critic
    draw: Draw


@runtime_checkable
class AdversarialLoss(Protocol):
    """The game's two objectives over logits, both to be minimised.

    It may have a number ``border``, the logit between real and fake; D's accuracy is logged where it has one.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """D's loss, the mean over the batch of the sum of its terms."""
        ...

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """G's loss; ``real()`` computes the logits of the real images for the losses that compare the two."""
        ...


@runtime_checkable
class Penalty(Protocol):
    """A term added to D's loss, in the same backward pass.

    ``differentiates`` names the inputs, of "real" and "fake", whose gradient it takes through the verdicts that the
    loss has already computed; the step then asks autograd to keep those paths.
    """

    @property
    def differentiates(self) -> tuple[str, ...]:
        """The inputs that must require a gradient before D sees them."""
        ...

    def due(self, d_updates: int) -> bool:
        """Whether it acts in the D update with this number, counted from 0."""
        ...

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted penalty, already scaled by its interval."""
        ...


@runtime_checkable
class DiscriminatorTerm(Protocol):
    """A term added to D's loss that needs no gradient of D; one that does is a :class:`Penalty`."""

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted term."""
        ...


@runtime_checkable
class GeneratorTerm(Protocol):
    """A term added to G's loss."""

    def __call__(self, update: GeneratorUpdate) -> Scalar:
        """The weighted term."""
        ...


@runtime_checkable
class Schedule(Protocol):
    """A value as a pure function of the real images shown so far: nothing to save, nothing to resume."""

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        ...
