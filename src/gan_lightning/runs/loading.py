"""A trained generator in two lines, without Hydra and without trust in the file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gan_lightning.config.trust import build_trusted
from gan_lightning.errors import UserError
from gan_lightning.runs.checkpoint import BEST, load_checkpoint
from gan_lightning.runs.exported import CONFIG, read_weights
from gan_lightning.runs.init_from import checkpoint_in
from gan_lightning.types import Draw, Latents

NORMAL = {"_target_": "gan_lightning.games.priors.Normal"}
"""The prior of a game that names none."""


@dataclass(frozen=True)
class Trained:
    """A generator, in evaluation mode and without gradients, and what has to be known to draw from it."""

    generator: nn.Module
    prior: Callable[[Draw, int, int], Latents]
    weights: str
    """Which they are: "averaged" or "raw"."""
    nodes: Mapping[str, Any]
    """The configuration of "generator" and "prior"."""
    config: Mapping[str, Any]
    """The whole configuration of the run; empty for an exported folder."""
    counters: Mapping[str, int]
    """Iterations, updates and images that it was trained for."""
    file: Path
    """What was read."""

    @property
    def latent_dim(self) -> int:
        """Length of a latent."""
        return int(self.generator.latent_dim)  # type: ignore[arg-type]  # a network's attribute, not a Tensor

    @property
    def num_classes(self) -> int:
        """Classes that can be asked for; 0 where the generator takes no labels."""
        return int(getattr(self.generator, "num_classes", 0))

    def description(self) -> str:
        """What it is, in one line."""
        images, classes = self.counters["images_seen"], self.num_classes
        labelled = f", {classes} classes" if classes else ""
        return f"{type(self.generator).__name__}{labelled}, {self.weights} weights after {images:,} images: {self.file}"

    def sha256(self) -> str:
        """Of the weights themselves: the same for a checkpoint and for what was exported from it."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.generator.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()


def load(run: str | os.PathLike[str], *, averaged: bool = True, allow: Sequence[str] = ()) -> nn.Module:
    """The generator of a run folder, a checkpoint or an exported folder, in evaluation mode and without gradients.

    ``images = generator(torch.randn(16, generator.latent_dim))`` gives [16 C H W] in [-1, 1]; a conditional generator
    (``generator.num_classes`` > 0) takes labels [16] too.

    Args:
        run: A run folder, a checkpoint file, or a folder that export.py wrote.
        averaged: The moving average of the weights (what the samples of the run show); False gives the raw ones.
        allow: Modules of your own that the stored configuration may name.

    Raises:
        UserError: There is no checkpoint, it is damaged, or it names code that nobody vouched for.
    """
    return load_trained(Path(run), averaged=averaged, allow=allow).generator


def load_trained(source: Path, *, averaged: bool = True, allow: Sequence[str] = ()) -> Trained:
    """As :func:`load`, with what else has to be known to draw from the generator's prior."""
    read = _from_export if (source / CONFIG).is_file() else _from_checkpoint
    return read(source, averaged, allow)


def checkpoint_of(source: Path, which: str) -> Path:
    """The "last" or the "best" checkpoint of a run folder; what is no run folder is the source itself.

    Raises:
        UserError: The run has kept no best one, or there is no run folder to choose from.
    """
    best = source / "checkpoints" / BEST
    if which == "last":
        return source
    if source.exists() and not best.parent.is_dir():
        raise UserError(f"checkpoint={which} chooses from a run folder's checkpoints, and {source} is none.")
    if not best.is_file():
        raise UserError(f"checkpoint=best: {best} is missing; callbacks=quality keeps one. There is checkpoint=last.")
    return best


def _from_checkpoint(source: Path, averaged: bool, allow: Sequence[str]) -> Trained:
    file = checkpoint_in(source)
    checkpoint = load_checkpoint(file)
    if "config" not in checkpoint:
        raise UserError(f"{file} does not say what networks it holds: it was not written by a run of train.py.")
    model = checkpoint["config"]["model"]
    nodes = {"generator": model["generator"], "prior": model.get("prior") or NORMAL}
    prefix = "average.model." if averaged else "generator."
    tensors = {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}
    return Trained(
        generator=_built(nodes["generator"], tensors, allow),
        prior=build_trusted(nodes["prior"], allow),
        weights="averaged" if averaged else "raw",
        nodes=nodes,
        config=checkpoint["config"],
        counters=checkpoint["gan_lightning"]["counters"],
        file=file,
    )


def _from_export(source: Path, averaged: bool, allow: Sequence[str]) -> Trained:
    card, tensors = read_weights(source)
    if not averaged and card["weights"] != "raw":
        raise UserError(f"{source} holds the averaged weights alone: take the raw ones from the run folder.")
    return Trained(
        generator=_built(card["generator"], tensors, allow),
        prior=build_trusted(card["prior"], allow),
        weights=card["weights"],
        nodes={"generator": card["generator"], "prior": card["prior"]},
        config={},
        counters=card["trained"],
        file=source,
    )


def _built(node: Any, tensors: Mapping[str, Any], allow: Sequence[str]) -> nn.Module:
    generator = build_trusted(node, allow)
    assert isinstance(generator, nn.Module)
    generator.load_state_dict(tensors)
    return generator.eval().requires_grad_(False)
