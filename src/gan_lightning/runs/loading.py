"""Load a trained generator in two lines, without Hydra and without trusting the file.

A checkpoint is read once, into a :class:`StoredCheckpoint`; networks are built from it only when somebody asks for
them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from gan_lightning.config.trust import build_trusted, trusted_class
from gan_lightning.errors import UserError
from gan_lightning.runs.checkpoint import load_checkpoint
from gan_lightning.runs.checkpoint_checks import believed, require_fit, require_whole
from gan_lightning.runs.exported import CONFIG, read_weights
from gan_lightning.runs.folder import RunFolder
from gan_lightning.types import Draw, Latents, Product


@dataclass(frozen=True)
class Trained:
    """A generator in evaluation mode and without gradients, and the facts that are needed to draw from it."""

    generator: nn.Module
    prior: Callable[[Draw, int, int], Latents] | None
    """The prior that its latents are drawn from, or None if it maps images to images."""
    weights: str
    """Kind of the weights: "averaged" or "raw"."""
    nodes: Mapping[str, Any]
    """The configuration of "generator" and "prior"."""
    config: Mapping[str, Any]
    """The whole configuration of the run; empty for an exported folder."""
    counters: Mapping[str, int]
    """Numbers of iterations, updates and images that it was trained for."""
    file: Path
    """The file or folder that it was read from."""
    class_names: Sequence[str] = ()
    """Names of the classes in the order of their labels; empty if there are none, or if the run did not store them."""

    @property
    def latent_dim(self) -> int:
        """Number of elements of one latent."""
        return int(self.generator.latent_dim)  # type: ignore[arg-type]  # a network's attribute, not a Tensor

    @property
    def num_classes(self) -> int:
        """Number of classes that can be asked for, or 0 if the generator takes no labels."""
        return int(getattr(self.generator, "num_classes", 0))

    def draws(self) -> Callable[[Draw, int, int], Latents]:
        """The prior that latents are drawn from.

        Raises:
            UserError: If the generator maps images to images, so that there is nothing to draw.
        """
        if self.prior is None:
            raise UserError(
                f"{type(self.generator).__name__} of {self.file} maps images to images and draws none: give it "
                "pictures, python generate.py RUN from=FILE_OR_FOLDER."
            )
        return self.prior

    def description(self) -> str:
        """One line on the generator: its class, its kind of weights, how long it was trained, and its file."""
        images, classes = self.counters["images_seen"], self.num_classes
        labelled = f", {classes} classes" if classes else ""
        return f"{type(self.generator).__name__}{labelled}, {self.weights} weights after {images:,} images: {self.file}"

    def sha256(self) -> str:
        """Hash of the weights themselves, which is the same for a checkpoint and for an export made from it."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.generator.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()


def load(
    run: str | os.PathLike[str], *, averaged: bool = True, allow: Sequence[str] = (), name: str | None = None
) -> nn.Module:
    """The generator of a run folder, a checkpoint or an exported folder, in evaluation mode and without gradients.

    ``images = generator(torch.randn(16, generator.latent_dim))`` has the shape [16 C H W] and lies in [-1, 1]. A
    conditional generator (``generator.num_classes`` > 0) takes labels of the shape [16] too.

    Args:
        run: A run folder, a checkpoint file, or a folder that export.py wrote.
        averaged: Whether to take the moving average (EMA) of the weights, which the run's samples show, or the raw
            weights.
        allow: Modules of your own that the stored configuration may name.
        name: The name of the network, if several leave the run, such as the two generators of a CycleGAN; None takes
            the first.

    Raises:
        UserError: If there is no checkpoint, it is damaged, or it names code that nobody vouched for.
    """
    return stored_at(Path(run)).trained(averaged=averaged, allow=allow, name=name).generator


class Leaving(NamedTuple):
    """A network that leaves a run, with the prior that its latents are drawn from; neither is built yet."""

    nodes: Mapping[str, Any]
    """The configuration of "generator" and "prior"."""
    tensors: Mapping[str, Tensor]
    """The network's weights, by their names in the network."""
    weights: str
    """Kind of the weights: "averaged" or "raw"."""

    def built(self, stored: StoredNetworks, allow: Sequence[str]) -> Trained:
        """Build the generator, in evaluation mode and without gradients.

        Raises:
            UserError: If the configuration names code that nobody vouched for, or the weights are those of another
                network.
        """
        generator = build_trusted(self.nodes["generator"], allow)
        if not isinstance(generator, nn.Module):
            raise UserError(f"{stored.file} does not say what its generator is: it builds no network.")
        require_fit(stored.file, generator.state_dict(), self.tensors)
        generator.load_state_dict(self.tensors)
        generator.eval().requires_grad_(False)
        prior = build_trusted(self.nodes["prior"], allow)
        facts = (stored.config, stored.counters, stored.file, stored.class_names)
        return Trained(generator, prior, self.weights, self.nodes, *facts)


def leaving(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], averaged: bool, allow: Sequence[str], name: str | None
) -> Leaving:
    """The network that leaves a run; the run's game says where its configuration and its weights are.

    Args:
        config: The whole configuration of the run.
        tensors: The weights of the game, by their names in the game.
        averaged: Whether to take the moving average (EMA) of the weights or the raw ones.
        allow: Modules of the user's own that the configuration may name.
        name: The name of the network, if several leave the run; None takes the one that the game names first.

    Raises:
        UserError: If the configuration names code that nobody vouched for, or there is no network of this name.
    """
    model = config["model"]
    products: Mapping[str, Product] = trusted_class(str(model["_target_"]), allow).products(model)  # type: ignore[attr-defined]
    if name is not None and name not in products:
        raise UserError(f"There is no network {name!r} to take from this run; there are {', '.join(products)}.")
    product = products[name or next(iter(products))]
    prefix = product.averaged if averaged else product.raw
    return Leaving(
        nodes={"generator": product.network, "prior": product.prior},
        tensors={name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)},
        weights="averaged" if averaged else "raw",
    )


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint that has been read; nothing is built from it yet."""

    file: Path
    content: Mapping[str, Any]
    """The whole content of the file: plain containers and tensors."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration of the run.

        Raises:
            UserError: If the checkpoint has none, because its game was trained without ``train.py``.
        """
        if "config" not in self.content:
            raise UserError(
                f"{self.file} does not say what networks it holds: it was not written by a run of train.py."
            )
        config: Mapping[str, Any] = self.content["config"]
        return config

    @property
    def counters(self) -> Mapping[str, int]:
        """Numbers of iterations, updates and images that it was trained for."""
        counters: Mapping[str, int] = self.content["gan_lightning"]["counters"]
        return counters

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes of the run's data; empty if there are none, or if the run did not store them."""
        return names_in(run_of(self.content.get("config")).get("class_names"))

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The tensors of the game, by their names in the game."""
        tensors: Mapping[str, Tensor] = self.content["state_dict"]
        return tensors

    def trained(self, *, averaged: bool = True, allow: Sequence[str] = (), name: str | None = None) -> Trained:
        """Build the generator; see :func:`load`."""
        with believed(self.file):
            return leaving(self.config, self.tensors, averaged, allow, name).built(self, allow)


@dataclass(frozen=True)
class StoredExport:
    """A folder that ``export.py`` wrote and that has been read: one generator, and nothing about its run's data."""

    file: Path
    card: Mapping[str, Any]
    """The content of its ``config.json``."""
    tensors: Mapping[str, Tensor]
    """The generator's weights, by their names in the generator."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Always empty, because the configuration of the run is not exported."""
        return {}

    @property
    def counters(self) -> Mapping[str, int]:
        """Numbers of iterations, updates and images that it was trained for."""
        counters: Mapping[str, int] = self.card["trained"]
        return counters

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the generator's classes; empty if there are none, or if an earlier release exported it."""
        return names_in(self.card.get("class_names"))

    def trained(self, *, averaged: bool = True, allow: Sequence[str] = (), name: str | None = None) -> Trained:
        """Build the generator, the only network that an export has; see :func:`load`.

        Raises:
            UserError: If the raw weights are asked for but the averaged ones were exported, or if the export names
                code that nobody vouched for.
        """
        with believed(self.file / CONFIG):
            if not averaged and self.card["weights"] != "raw":
                raise UserError(f"{self.file} holds the averaged weights alone: take the raw ones from the run folder.")
            if name is not None and name != (own := self.card.get("name")):
                holds = f"one network{f', {own}' if own else ''}"
                raise UserError(f"{self.file} holds {holds}, and {name!r} was asked for.")
            nodes = {"generator": self.card["generator"], "prior": self.card["prior"]}
            return Leaving(nodes, self.tensors, self.card["weights"]).built(self, allow)


def run_of(config: Any) -> Mapping[str, Any]:
    """What a stored configuration says about its run itself, such as its class names; empty if it says nothing."""
    run = config.get("run") if isinstance(config, Mapping) else None
    return run if isinstance(run, Mapping) else {}


def names_in(value: Any) -> Sequence[str]:
    """A list of names out of a file; empty if it is something else."""
    return value if isinstance(value, list) and all(isinstance(name, str) for name in value) else ()


StoredNetworks: TypeAlias = StoredCheckpoint | StoredExport


def stored_at(source: Path, which: str = "last") -> StoredNetworks:
    """Read a checkpoint or an exported folder, without building anything from it.

    Args:
        source: A run folder, a checkpoint file, or a folder that ``export.py`` wrote.
        which: The checkpoint to take from a run folder, "last" or "best".

    Raises:
        UserError: If there is none, if it is damaged, or if "best" was asked for and ``source`` is not a run folder.
    """
    if which == "last" and (source / CONFIG).is_file():
        return StoredExport(source, *read_weights(source))
    return read_checkpoint(checkpoint_at(source, which))


def read_checkpoint(file: Path) -> StoredCheckpoint:
    """Read one checkpoint file.

    Raises:
        UserError: If the file is missing, damaged, or written by another release in a format unknown here.
    """
    content = load_checkpoint(file)
    require_whole(file, content)
    return StoredCheckpoint(file, content)


def checkpoint_at(source: Path, which: str = "last") -> Path:
    """The file of the "last" or the "best" checkpoint of a run folder; a checkpoint file counts as the "last".

    Raises:
        UserError: If there is none, or if "best" is asked for and ``source`` is not a run folder.
    """
    run = RunFolder(source)
    if which == "last":
        if source.is_file() or run.last.is_file():
            return source if source.is_file() else run.last
        raise UserError(f"{source} holds no run with a checkpoint ({run.last} is missing).")
    if source.exists() and not run.checkpoints.is_dir():
        raise UserError(f"checkpoint={which} chooses from a run folder's checkpoints, and {source} is none.")
    if not run.best.is_file():
        raise UserError(
            f"checkpoint=best: {run.best} is missing; callbacks=quality keeps one. There is checkpoint=last."
        )
    return run.best
