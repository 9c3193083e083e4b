"""Experiments with generative adversarial networks (GANs) that can be trusted, resumed, compared and shipped.

>>> import gan_lightning, torch
>>> generator = gan_lightning.load("runs/2026-11-21/12-00-00")  # doctest: +SKIP
>>> images = generator(torch.randn(16, generator.latent_dim))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_lightning.games.gan import GAN
    from gan_lightning.parallel.strategy import GANStrategy
    from gan_lightning.runs.loading import load

__all__ = ["GAN", "GANStrategy", "load"]

_HOMES = {"GAN": "games.gan", "GANStrategy": "parallel.strategy", "load": "runs.loading"}


def __getattr__(name: str) -> Any:
    """Import torch and Lightning only when they are needed, so that ``train.py --help`` answers in a moment."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
