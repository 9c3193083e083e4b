"""The most memory that a process has held."""

from __future__ import annotations

import sys

import torch


def peak_memory(device: torch.device) -> dict[str, int | None]:
    """The most bytes that this process has held, in the machine's memory and, on a GPU, in tensors of the GPU's.

    Args:
        device: The device that the process trains on.
    """
    on_gpu = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return {"machine": _resident(), "device": on_gpu}


def _resident() -> int | None:
    """The largest resident size so far in bytes; None on a system that does not say."""
    try:
        import resource
    except ImportError:  # on Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else 1024 * largest  # the others count in kilobytes
