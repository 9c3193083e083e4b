"""Gradients averaged over all processes, in one message for each dtype (what DDP does in buckets)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
import torch.distributed as dist
from torch import Tensor, nn


@torch.no_grad()
def average_gradients(parameters: Sequence[nn.Parameter], statistics: Sequence[Tensor] = ()) -> None:
    """Replace gradients and ``statistics`` by their means over all processes, in one all-reduce for each dtype.

    Every parameter has its place in the buffer, and beside it a mark that says whether this process has a gradient for
    it. A process without a gradient contributes zeros. It takes the mean if another process has a gradient, and keeps
    None if no process has, because Adam moves a parameter whose gradient is zero and leaves one alone whose gradient is
    None. Only a process that lacks a gradient ever reads the marks, so the usual case does not wait for the device.
    """
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    marks = torch.tensor([float(p.grad is not None) for p in parameters])
    if parameters:
        marks = marks.to(parameters[0].device, non_blocking=True)
    _average_together([*gradients, marks, *statistics])
    lacking = [i for i, parameter in enumerate(parameters) if parameter.grad is None]
    if lacking:
        held_by_someone = marks.tolist()
        for i in lacking:
            parameters[i].grad = gradients[i] if held_by_someone[i] else None


def _average_together(tensors: Sequence[Tensor]) -> None:
    """Average tensors over all processes in place, those of the same dtype in one flat buffer."""
    by_dtype = sorted(tensors, key=lambda tensor: str(tensor.dtype))
    for _, group in groupby(by_dtype, key=lambda tensor: tensor.dtype):
        members = list(group)
        flat = torch.cat([tensor.reshape(-1) for tensor in members])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        parts = torch.split(flat, [tensor.numel() for tensor in members])
        torch._foreach_copy_(members, [part.view_as(tensor) for part, tensor in zip(parts, members, strict=True)])
