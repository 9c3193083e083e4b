"""Writes files in the format of MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array of bytes: a magic number, the sizes as big-endian integers, the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.tobytes())
