"""Sharing of samples among processes, and gathering of their results, so that each sample is counted once."""

from __future__ import annotations

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor


def share(total: int, batch_size: int = 1) -> range:
    """The indices of the samples that this process makes: consecutive whole batches, in the order of ranks.

    The shares of the processes differ by at most one batch, and a process has none if there are fewer batches than
    processes. With the same ``batch_size``, every batch holds the same samples on any number of processes, so a network
    rounds its results in the same way.

    Args:
        total: Number of samples of all processes together.
        batch_size: Number of samples in a batch.
    """
    rank, world_size = _rank_and_world_size()
    batches = -(-total // batch_size)
    first, end = (batches * each // world_size * batch_size for each in (rank, rank + 1))
    return range(min(first, total), min(end, total))


def gathered_samples(part: Shaped[Tensor, "n ..."], total: int) -> Shaped[Tensor, "total ..."]:
    """The samples of all processes in the order of ranks, without a gradient; every process gets all of them.

    The processes may have different numbers of samples, or none. They are sent padded to equal length, and the padding
    is cut off again.

    Args:
        part: This process's samples, on the device through which the processes communicate. If they are those of
            :func:`share`, the result does not depend on the number of processes.
        total: Number of samples of all processes together.

    Raises:
        ValueError: If the parts do not add up to ``total``, because a sample was lost or made twice.
    """
    part = part.detach()
    _, world_size = _rank_and_world_size()
    if world_size == 1:
        whole = part
    else:
        counts = [torch.zeros((), dtype=torch.int64, device=part.device) for _ in range(world_size)]
        dist.all_gather(counts, torch.tensor(len(part), device=part.device))
        lengths = torch.stack(counts).tolist()
        padded = part.new_zeros((max(lengths), *part.shape[1:]))
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in range(world_size)]
        dist.all_gather(parts, padded)
        whole = torch.cat([rows[:length] for rows, length in zip(parts, lengths, strict=True)])
    if len(whole) != total:
        raise ValueError(f"{total} samples were asked for and the processes have {len(whole)}")
    return whole


def summed(x: Shaped[Tensor, ...]) -> Shaped[Tensor, ...]:
    """The sum of ``x`` over all processes, which every process gets."""
    if _rank_and_world_size()[1] == 1:
        return x
    total = x.clone()  # all_reduce works in place
    dist.all_reduce(total)
    return total


def _rank_and_world_size() -> tuple[int, int]:
    if not (dist.is_available() and dist.is_initialized()):
        return 0, 1
    return dist.get_rank(), dist.get_world_size()
