"""Discriminator statistics: D's answers to the images that it has seen, as scalars to log."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from gan_lightning.games.scalars import Scalars
from gan_lightning.types import Labels, Verdict


def log_statistics(
    scalars: Scalars, real: Verdict, fake: Verdict, y: Labels | None, border: float | None, suffix: str = ""
) -> None:
    """Log means of D's logits, D's accuracy if the loss has a border, and how often D names the right class.

    Args:
        scalars: Where they are logged.
        real: D's answer to the real images.
        fake: D's answer to the fakes.
        y: The classes of the real images, which G was asked for too; None without labels.
        border: The logit between real and fake; None if the loss has none.
        suffix: End of the names of the curves, such as ``_a``.
    """
    for side, verdict in (("real", real), ("fake", fake)):
        name = f"{side}{suffix}"
        scalars.add_later(f"logits/{name}", (verdict.logits.detach(),), partial(SUMMARIES[side], name, border))
        if verdict.classes is not None and y is not None:
            right = verdict.classes.detach().argmax(1) == y
            scalars.add({f"class_accuracy/{name}": right.mean(dtype=torch.float32)})


def _of_real(name: str, border: float | None, logits: Tensor) -> dict[str, Tensor]:
    accuracy = {} if border is None else {f"accuracy/{name}": _shares(logits > border)}
    return {f"logits/{name}": _means(logits)} | accuracy


def _of_fake(name: str, border: float | None, logits: Tensor) -> dict[str, Tensor]:
    accuracy = {} if border is None else {f"accuracy/{name}": _shares(logits < border)}
    return {f"logits/{name}": _means(logits)} | accuracy


SUMMARIES = {"real": _of_real, "fake": _of_fake}


def _means(logits: Tensor) -> Tensor:
    """The mean of each row [n], in double precision, so that it makes no difference how many rows there are."""
    return logits.flatten(1).mean(1, dtype=torch.float64).float()


def _shares(right: Tensor) -> Tensor:
    """The share of true values in each row [n]."""
    return right.flatten(1).mean(1, dtype=torch.float32)
