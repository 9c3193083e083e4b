"""What couples the samples of a batch, computed over the batches of all processes."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

from gan_lightning.types import Scalar


def global_mean(x: Float[Tensor, ...]) -> Scalar:
    """The mean of ``x`` over all processes, each of which must hold equally many elements; differentiable.

    Its gradient is meant for a training step that averages gradients over the processes. With W processes, losses L_k
    and the mean m, that average should hold 1/W sum_k dL_k/dm times dm/dx_j, where dm/dx_j is 1/W of process j's own
    derivative; so process j must contribute its own derivative times the *mean* of dL_k/dm. Backward is thus the
    same average over processes as forward.
    """
    local: Scalar = x.mean()
    if not (dist.is_available() and dist.is_initialized()):
        return local
    average: Scalar = _Average.apply(local)
    return average


def gathered(x: Float[Tensor, ...], dim: int = 0) -> Float[Tensor, ...]:
    """The parts of all processes joined along ``dim`` in the order of ranks; carries no gradient."""
    if not (dist.is_available() and dist.is_initialized()):
        return x.detach()
    part = x.detach().contiguous()
    parts = [torch.empty_like(part) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, part)
    return torch.cat(parts, dim)


def own_part(x: Float[Tensor, ...], dim: int = 0) -> Float[Tensor, ...]:
    """This process's share of what :func:`gathered` joined; a copy, so that the whole may be freed."""
    if not (dist.is_available() and dist.is_initialized()):
        return x
    return x.chunk(dist.get_world_size(), dim)[dist.get_rank()].clone()


class _Average(Function):
    """The average of a scalar over the processes; linear and symmetric, so its own adjoint."""

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
