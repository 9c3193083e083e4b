"""Losses and penalties are computed in float32, also if the networks run in mixed precision (half precision)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """``x`` converted to float32, or unchanged if it is float64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
