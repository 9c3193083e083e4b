"""Operations that couple the samples of a batch, computed over all processes (all-reduce, all-gather)."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

from gan_lightning.types import Scalar


def global_mean(x: Float[Tensor, ...]) -> Scalar:
    """The mean of ``x`` over all processes, which can be differentiated; all must hold the same number of elements.

    The gradient is meant for a training step that averages gradients over the processes. With W processes, the losses
    `L_k` and the mean `m`, that average should be `1/W Σ_k dL_k/dm · dm/dx_j`, where `dm/dx_j` is 1/W of process j's
    own derivative. Process j must therefore contribute its own derivative times the *mean* of `dL_k/dm`, so the
    backward pass is the same average over processes as the forward pass.
    """
    local: Scalar = x.mean()
    if not (dist.is_available() and dist.is_initialized()):
        return local
    average: Scalar = _Average.apply(local)
    return average


def gathered(x: Float[Tensor, ...], dim: int = 0) -> Float[Tensor, ...]:
    """The parts of all processes, joined along ``dim`` in the order of ranks and without a gradient."""
    if not (dist.is_available() and dist.is_initialized()):
        return x.detach()
    part = x.detach().contiguous()
    parts = [torch.empty_like(part) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, part)
    return torch.cat(parts, dim)


def own_part(x: Float[Tensor, ...], dim: int = 0) -> Float[Tensor, ...]:
    """This process's part of a tensor that :func:`gathered` joined, copied so that the whole tensor can be freed."""
    if not (dist.is_available() and dist.is_initialized()):
        return x
    return x.chunk(dist.get_world_size(), dim)[dist.get_rank()].clone()


def place_in_group() -> tuple[int, int]:
    """This process's rank, and the number of processes."""
    if not (dist.is_available() and dist.is_initialized()):
        return 0, 1
    return dist.get_rank(), dist.get_world_size()


class _Average(Function):
    """The average of a scalar over the processes, which is its own adjoint because it is linear and symmetric."""

    @staticmethod
    def forward(ctx: Any, x: Scalar) -> Scalar:
        return _average(x)

    @staticmethod
    def backward(ctx: Any, gradient: Scalar) -> Scalar:
        return _average(gradient)


def _average(x: Scalar) -> Scalar:
    total = x.clone()  # all_reduce works in place
    dist.all_reduce(total)  # a sum and a division, because gloo has no ReduceOp.AVG
    return total / dist.get_world_size()
