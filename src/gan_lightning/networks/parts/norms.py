"""Normalisation layers by the name that a config gives them."""

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
"""For maps [B C H W], by their channels. ``layer`` is over C, H and W together, as WGAN-GP recommends for critics."""

VECTOR_NORMS: Mapping[str, NormFactory] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": nn.Identity}
"""For vectors [B F], by their features. No ``instance``: over a single value it would always give zero."""


def norm_factory(name: str, norms: Mapping[str, Factory]) -> Factory:
    """The normalisation layer called ``name``.

    Raises:
        UserError: if ``norms`` has no such layer.
    """
    if name not in norms:
        raise UserError(f"There is no norm called {name!r} here: choose one of {', '.join(norms)}.")
    return norms[name]


def has_bias(norm: nn.Module) -> bool:
    """Whether ``norm`` shifts its output, so that a bias in the layer before it would be redundant."""
    return getattr(norm, "bias", None) is not None


def without_autocast(device: torch.device) -> AbstractContextManager[None]:
    """Turns autocast off on ``device``, where it has one: the meta device, on which shapes are worked out, has none."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else nullcontext()
