"""Ways through the latents and between classes."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gan_lightning.types import Latents

SMALLEST_SINE = 1e-6
"""Below it two directions are one, and the arc between them is a straight line."""


def slerp(a: Latents, b: Latents, t: Float[Tensor, "B 1"]) -> Latents:
    """From ``a`` (t = 0) to ``b`` (t = 1): along the great circle in direction, evenly in length.

    Shoemake 1985, "Animating rotation with quaternion curves", sec. 3.3: with the angle w between unit vectors,
    direction = sin((1-t) w) / sin w a/|a| + sin(t w) / sin w b/|b|. Latents of a high-dimensional normal all have
    nearly the same length, and a straight line between two would pass through shorter ones that the generator has
    never seen (White 2016, https://arxiv.org/abs/1609.04468).
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
    """From ``a`` (t = 0) to ``b`` (t = 1) on a straight line."""
    return (1 - t) * a + t * b


def stations(count: int, steps: int, loop: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Where each frame is between two of ``count`` key points: indices from [F] and to [F], and the share t [F 1].

    ``steps`` frames lead from one key to the next. An open way ends with the last key, (count - 1) steps + 1 frames;
    a closed one comes back to the first without showing it twice, count * steps frames.
    """
    keys = [*range(count), 0] if loop else [*range(count)]
    frames = [(a, b, step / steps) for a, b in pairwise(keys) for step in range(steps)]
    if not loop:
        frames.append((keys[-1], keys[-1], 0.0))
    starts, ends, shares = zip(*frames, strict=True)
    return torch.tensor(starts), torch.tensor(ends), torch.tensor(shares)[:, None]
