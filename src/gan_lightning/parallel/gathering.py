"""Samples and sums of all processes, each sample counted once."""

from __future__ import annotations

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor


def share(total: int, batch_size: int = 1) -> range:
    """Which of ``total`` samples this process makes: contiguous runs of whole batches in the order of ranks.

    They are equal up to one batch, and a process has none where there are fewer batches than processes. With the same
    ``batch_size`` every batch holds the same samples on any number of processes, so that a network rounds alike.
    """
    rank, world_size = _rank_and_world_size()
    batches = -(-total // batch_size)
    first, end = (batches * each // world_size * batch_size for each in (rank, rank + 1))
    return range(min(first, total), min(end, total))


def gathered_samples(part: Shaped[Tensor, "n ..."], total: int) -> Shaped[Tensor, "total ..."]:
    """The parts of all processes in the order of ranks, on every process; carries no gradient.

    Parts may differ in length, and a process may have none. What is sent to make them equal is cut off again.

    Args:
        part: This process's samples, on the device that its processes communicate through; those of :func:`share`, if
            one process is to give the same as many.
        total: How many there are of them.

    Raises:
        ValueError: if the parts don't make up ``total``: a sample was lost or made twice.
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
    """The sum over all processes, on every process."""
    if _rank_and_world_size()[1] == 1:
        return x
    total = x.clone()  # all_reduce works in place
    dist.all_reduce(total)
    return total


def _rank_and_world_size() -> tuple[int, int]:
    if not (dist.is_available() and dist.is_initialized()):
        return 0, 1
    return dist.get_rank(), dist.get_world_size()
