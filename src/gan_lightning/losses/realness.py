"""How real D takes a sample to be, which depends on the loss that it was trained with."""

from __future__ import annotations

from collections.abc import Callable

from gan_lightning.types import AdversarialLoss, Logits


def realness_of(loss: AdversarialLoss) -> Callable[[Logits, Logits], Logits] | None:
    """A function of the logits of real and fake samples that is above 0 for each real one that D takes for real.

    That is the loss's own ``realness`` or, if it has a ``border`` alone, `D(x) - border`. It is None if the loss has
    neither: Wasserstein critics may add any constant to all logits, so the sign of one says nothing.
    """
    realness: Callable[[Logits, Logits], Logits] | None = getattr(loss, "realness", None)
    border: float | None = getattr(loss, "border", None)
    if realness is None and border is not None:
        return lambda real, fake: real - border
    return realness
