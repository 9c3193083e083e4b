"""The normalisation layers that a config can name, and how to run a layer outside of mixed precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar

import torch
from torch import nn

from gan_lightning.errors import UserError

NormFactory = Callable[[int], nn.Module]
Factory = TypeVar("Factory", bound=Callable[..., nn.Module])

MAP_NORMS: Mapping[str, NormFactory] = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=True),
    "layer": partial(nn.GroupNorm, 1),
    "none": nn.Identity,
}
"""Norms of maps [B C H W], made from their channels; "layer" runs over C, H and W, as WGAN-GP advises for critics."""

TRANSLATION_NORMS: Mapping[str, NormFactory] = {
    "batch": nn.BatchNorm2d,
    "instance": nn.InstanceNorm2d,
    "none": nn.Identity,
}
"""For maps [B C H W] of networks from images to images, whose papers give ``instance`` no gain and no bias."""

VECTOR_NORMS: Mapping[str, NormFactory] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": nn.Identity}
"""Norms of vectors [B F], made from their features; there is no "instance", which of a single value is always zero."""


def norm_factory(name: str, norms: Mapping[str, Factory]) -> Factory:
    """The factory of normalisation layers called ``name`` in ``norms``.

    Raises:
        UserError: If ``norms`` has no such name.
    """
    if name not in norms:
        raise UserError(f"There is no norm called {name!r} here: choose one of {', '.join(norms)}.")
    return norms[name]


def has_bias(norm: nn.Module) -> bool:
    """Whether ``norm`` shifts its output, so that a bias in the layer before it would be redundant."""
    return getattr(norm, "bias", None) is not None


def without_autocast(device: torch.device) -> AbstractContextManager[None]:
    """A context in which autocast (mixed precision) is off on ``device``.

    The meta device, on which shapes are worked out, has no autocast to turn off.
    """
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else nullcontext()
