"""Discriminator statistics: D's answers to the images that it has seen, as scalars to log."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.types import Labels, Scalar, Verdict


def discriminator_statistics(real: Verdict, fake: Verdict, y: Labels | None, border: float | None) -> dict[str, Scalar]:
    """Means of D's logits, D's accuracy if the loss has a border, and how often D names the right class.

    Args:
        real: D's answer to the real images.
        fake: D's answer to the fakes.
        y: The classes of the real images, which G was asked for too; None without labels.
        border: The logit between real and fake; None if the loss has none.
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
    return right.mean(dtype=torch.float32)
