"""A trained generator in two lines, without Hydra and without trust in the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from gan_lightning.checkpoint import load_checkpoint
from gan_lightning.errors import UserError
from gan_lightning.finetune import checkpoint_in
from gan_lightning.trust import build_trusted


def load(run: str | os.PathLike[str], *, averaged: bool = True, allow: Sequence[str] = ()) -> nn.Module:
    """The generator of a run folder or a checkpoint, in evaluation mode and without gradients.

    ``images = generator(torch.randn(16, generator.latent_dim))`` gives [16 C H W] in [-1, 1].

    Args:
        run: A run folder, or a checkpoint file.
        averaged: The moving average of the weights (what the samples of the run show); False gives the raw ones.
        allow: Modules of your own that the stored configuration may name.

    Raises:
        UserError: There is no checkpoint, it is damaged, or it names code that nobody vouched for.
    """
    file = checkpoint_in(Path(run))
    checkpoint = load_checkpoint(file)
    if "config" not in checkpoint:
        raise UserError(f"{file} does not say what networks it holds: it was not written by a run of train.py.")
    generator = build_trusted(checkpoint["config"]["model"]["generator"], allow)
    assert isinstance(generator, nn.Module)
    prefix = "average.model." if averaged else "generator."
    weights = {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}
    generator.load_state_dict(weights)
    return generator.eval().requires_grad_(False)
