"""Interpolation between latents, and between the labels of classes."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gan_lightning.types import Latents

SMALLEST_SINE = 1e-6
"""Sine of the angle below which two directions count as one, and a straight line takes the place of the arc."""


def slerp(a: Latents, b: Latents, t: Float[Tensor, "B 1"]) -> Latents:
    """Spherical interpolation from ``a`` (``t = 0``) to ``b`` (``t = 1``).

    The direction follows the great circle and the length changes evenly. By Shoemake 1985, "Animating rotation with
    quaternion curves", sec. 3.3, with the angle ``θ`` between the unit vectors ``a/‖a‖`` and ``b/‖b‖``,
    ``direction = sin((1-t)θ)/sin θ · a/‖a‖ + sin(tθ)/sin θ · b/‖b‖``.

    Latents of a high-dimensional normal distribution all have nearly the same length. A straight line between two of
    them would pass through shorter ones, which the generator has never seen (White 2016,
    https://arxiv.org/abs/1609.04468).
    """
    length_a, length_b = (v.norm(dim=1, keepdim=True) for v in (a, b))
    unit_a, unit_b = a / length_a, b / length_b
    angle = torch.acos((unit_a * unit_b).sum(1, keepdim=True).clamp(-1, 1))
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * unit_a + torch.sin(t * angle) * unit_b) / sine
    direction = torch.where(sine > SMALLEST_SINE, arc, (1 - t) * unit_a + t * unit_b)
    latents: Latents = ((1 - t) * length_a + t * length_b) * direction
    return latents


def lerp(a: Tensor, b: Tensor, t: Float[Tensor, "B 1"]) -> Tensor:
    """Linear interpolation from ``a`` (``t = 0``) to ``b`` (``t = 1``): ``(1 - t) a + t b``."""
    return (1 - t) * a + t * b


def stations(count: int, steps: int, loop: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The place of each of ``F`` frames between two of ``count`` key points.

    ``steps`` frames lead from one key to the next. An open path ends with the last key and has
    ``(count - 1) * steps + 1`` frames; a closed one comes back to the first key without showing it twice and has
    ``count * steps`` frames.

    Returns:
        Index [F] of the key before the frame, index [F] of the key after it, and ``t`` [F 1], the share of the way.
    """
    keys = [*range(count), 0] if loop else [*range(count)]
    frames = [(a, b, step / steps) for a, b in pairwise(keys) for step in range(steps)]
    if not loop:
        frames.append((keys[-1], keys[-1], 0.0))
    starts, ends, shares = zip(*frames, strict=True)
    return torch.tensor(starts), torch.tensor(ends), torch.tensor(shares)[:, None]
