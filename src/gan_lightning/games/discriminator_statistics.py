"""Discriminator statistics: what D says of the images that it has seen, as scalars to log."""

from __future__ import annotations

from torch import Tensor

from gan_lightning.types import Labels, Scalar, Verdict


def discriminator_statistics(real: Verdict, fake: Verdict, y: Labels | None, border: float | None) -> dict[str, Scalar]:
    """Mean logits; the shares on the right side of ``border``, where the loss has one; how often D names the class.

    The class is that of the real image, or the one that G was asked for.
    """
    scalars: dict[str, Scalar] = {}
    for side, verdict in (("real", real), ("fake", fake)):
        logits = verdict.logits.detach()
        scalars[f"logits/{side}"] = logits.mean()
        if border is not None:
            scalars[f"accuracy/{side}"] = _share(logits > border if side == "real" else logits < border)
        if verdict.classes is not None and y is not None:
            scalars[f"class_accuracy/{side}"] = _share(verdict.classes.detach().argmax(1) == y)
    return scalars


def _share(right: Tensor) -> Scalar:
    return right.float().mean()
