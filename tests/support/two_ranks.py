"""Two processes that train together, for the tests that compare two processes with one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import games
import torch
import torch.distributed as dist

RANKS = 2


def both_ranks(function: Callable[[int], Any], folder: Path, timeout: float = 90) -> list[Any]:
    """Results of ``function(rank)`` on two processes whose environment is that of a group, which it is yet to form."""
    folder.mkdir(exist_ok=True)
    started = [games.start(_on_rank, function, rank, folder, output=folder / f"{rank}.log") for rank in range(RANKS)]
    for rank, process in enumerate(started):
        assert games.status(process, timeout) == 0, (folder / f"{rank}.log").read_text()
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(RANKS)]


def _on_rank(function: Callable[[int], Any], rank: int, folder: Path) -> None:
    os.environ.update(LOCAL_RANK=str(rank), NODE_RANK="0", WORLD_SIZE=str(RANKS))
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="0")  # unused, because the strategy is handed a store
    torch.save(function(rank), folder / f"{rank}.pt")


def store_in(folder: Path) -> dist.FileStore:
    return dist.FileStore(str(folder / "store"), RANKS)


def in_a_group(function: Callable[[int], Any], folder: Path) -> list[Any]:
    """Results of ``function(rank)`` on two processes that have already formed a group."""

    def met(rank: int) -> Any:
        dist.init_process_group("gloo", store=store_in(folder), rank=rank, world_size=RANKS)
        result = function(rank)
        dist.destroy_process_group()
        return result

    return both_ranks(met, folder)
