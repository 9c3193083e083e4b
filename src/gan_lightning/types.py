"""The types of this project: shapes of tensors, and what a loss, a penalty, a term or a schedule must offer.

In shapes, B is the number of samples of this process in one update, C the number of channels, H and W are the height
and width in pixels, Z is the number of latent dimensions and K the number of classes. Images are floats in [-1, 1].
Logits are raw scores, and the higher they are, the more likely an image is real; there is one for each sample, or a map
of them. Missing labels are ``None``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from jaxtyping import Float, Int, UInt8
from torch import Tensor

Images: TypeAlias = Float[Tensor, "B C H W"]
Bytes: TypeAlias = UInt8[Tensor, "B C H W"]
Labels: TypeAlias = Int[Tensor, "B"] | Float[Tensor, "B K"]
"""The class of each sample or, for images between classes, the weights of the classes, whose sum is 1."""
Latents: TypeAlias = Float[Tensor, "B Z"]
Logits: TypeAlias = Float[Tensor, "B *map"]
"""One for each sample [B], or one for each patch of each sample [B 1 h w]; means run over the batch and the map."""
ClassLogits: TypeAlias = Float[Tensor, "B K"]
Scalar: TypeAlias = Float[Tensor, ""]
Critic: TypeAlias = Callable[[Tensor], Tensor]
"""``critic(x) -> logits``: the discriminator, to which augmentation and labels are already bound."""


PLAYERS = ("generator", "discriminator")
"""The two sides of every game. Each has an optimizer of its own and may own several networks."""


class Sheet(NamedTuple):
    """Pictures to be looked at side by side."""

    images: Images
    """Images [N C H W] in [-1, 1], row after row."""
    columns: int


class Product(NamedTuple):
    """A network that leaves a run, as it is found in the run's configuration and checkpoint."""

    network: Mapping[str, Any]
    """The node of the configuration that builds it."""
    raw: str
    """Beginning of the names of its weights in a checkpoint, such as "generator."."""
    averaged: str
    """Beginning of the names of its moving average's weights in a checkpoint."""
    prior: Mapping[str, Any] | None
    """The node of the prior that its latents are drawn from, or None if its input is an image."""


class Direction(NamedTuple):
    """One of the ways in which a game turns images of one domain into images of the other."""

    generator: str
    """Name of the generator, G, among the products."""
    source: str = "a"
    """Name of the domain whose images G takes."""
    target: str = "b"
    """Name of the domain whose images G makes."""
    back: str | None = None
    """Name of the generator that leads back, F, or None if there is none."""
    keeps: bool = False
    """Whether G is to leave images of its target domain as they are."""

    @property
    def suffix(self) -> str:
        """Ending of the names of this direction's numbers: empty for the way from a to b, else such as "_b2a"."""
        return "" if (self.source, self.target) == ("a", "b") else f"_{self.source}2{self.target}"


class Sampling(NamedTuple):
    """How samples are drawn from a generator."""

    prior: Callable[[Draw, int, int], Latents]
    latent_dim: int
    num_classes: int
    """Classes that can be asked for; 0 if the generator takes no labels."""


class Verdict(NamedTuple):
    """The answer of a discriminator to a batch: a logit a sample or patch and, if it classifies, class logits."""

    logits: Logits
    classes: ClassLogits | None = None


@runtime_checkable
class Draw(Protocol):
    """The random numbers of one update, drawn for the global batch and cut to this process's share.

    In its methods, ``shape`` is the local shape, whose first dimension is the local batch, and ``purpose`` names what
    the numbers are for. The same (seed, iteration, update, purpose) give the same numbers whatever the number of
    processes.
    """

    def named(self, name: str) -> Draw:
        """A stream of random numbers for one part of the update, so that two parts may use the same purpose."""
        ...

    def normal(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers of the local ``shape``."""
        ...

    def uniform(self, purpose: str, shape: tuple[int, ...]) -> Tensor:
        """Numbers from U[0, 1) of the local ``shape``."""
        ...

    def integers(self, purpose: str, high: int, shape: tuple[int, ...]) -> Tensor:
        """Integers (int64) from 0 to ``high`` - 1 of the local ``shape``."""
        ...


@dataclass(frozen=True)
class DiscriminatorUpdate:
    """One D update as penalties and terms of D's loss see it, after the forward passes and before the backward pass."""

    real: Images
    fake: Images
    labels: Labels | None
    real_verdict: Verdict
    fake_verdict: Verdict
    critic: Critic
    draw: Draw


@dataclass(frozen=True)
class GeneratorUpdate:
    """One G update as a term of G's loss sees it; D's parameters are frozen."""

    fake: Images
    labels: Labels | None
    verdict: Verdict
    critic: Critic
    draw: Draw
    latents: Latents | None = None
    """The latents that the fakes were made from; None if they were made from something else."""


@runtime_checkable
class AdversarialLoss(Protocol):
    """An adversarial loss: the objectives of D and G over logits, both of which are minimised.

    It may have a number ``border``, the logit between real and fake; if it has, D's accuracy is logged. A loss without
    a border may have a method ``realness(real, fake)`` whose sign says whether D takes each real sample for real;
    adaptive augmentation needs one of the two.
    """

    def discriminator(self, real: Logits, fake: Logits, draw: Draw) -> Scalar:
        """D's loss: the sum of its terms, averaged over the batch and the map."""
        ...

    def generator(self, fake: Logits, real: Callable[[], Logits]) -> Scalar:
        """G's loss, averaged over the batch.

        Args:
            fake: D's logits of the fake images.
            real: Computes D's logits of the real images, for losses that compare the two.
        """
        ...


@runtime_checkable
class Penalty(Protocol):
    """A term of D's loss that takes gradients of D, such as a gradient penalty.

    ``differentiates`` names those of the inputs "real" and "fake" by which the penalty differentiates the verdicts that
    the loss has already computed; the training step then asks autograd to keep the paths to them.
    """

    @property
    def differentiates(self) -> tuple[str, ...]:
        """The inputs that must require a gradient before D sees them."""
        ...

    def due(self, d_updates: int) -> bool:
        """Whether the penalty acts in the D update that follows ``d_updates`` others."""
        ...

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted penalty, multiplied by its interval if it does not act in every D update."""
        ...


@runtime_checkable
class DiscriminatorTerm(Protocol):
    """A term of D's loss that needs no gradient of D; one that does is a :class:`Penalty`."""

    def __call__(self, update: DiscriminatorUpdate) -> Scalar:
        """The weighted term."""
        ...


@runtime_checkable
class GeneratorTerm(Protocol):
    """A term of G's loss."""

    def __call__(self, update: GeneratorUpdate) -> Scalar:
        """The weighted term."""
        ...


@runtime_checkable
class Schedule(Protocol):
    """A value that is a pure function of the real images shown so far, so no state has to be saved or resumed."""

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images have been shown."""
        ...
