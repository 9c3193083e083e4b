"""Fingerprints of training data: short texts by which other data are told from the same, wherever they lie.

They are made anew at every start of a run, so they are cheap: of files the names and sizes count, of samples in memory
the shape, all labels and the content of some samples that are spread evenly over the set.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import Tensor

SAMPLES = 1024
"""Largest number of samples whose content counts."""
BYTES = 2**25
"""About how many bytes of samples are read at most."""
STEPS = 16
"""Number of steps of 1 to which floats are rounded, because another machine may compute them a little differently."""


def of_samples(*tensors: Tensor | None) -> str:
    """The fingerprint of samples in memory and their labels, each a tensor [N ...] or None."""
    digest = blake2b(digest_size=8)
    for tensor in tensors:
        if tensor is None:
            digest.update(b"none\n")
            continue
        digest.update(f"{tensor.dtype} {list(tensor.shape)}\n".encode())
        row = max(tensor[:1].nbytes, 1)
        count = len(tensor) if tensor.dim() == 1 else min(len(tensor), SAMPLES, max(BYTES // row, 1))
        chosen = tensor[torch.arange(count) * len(tensor) // max(count, 1)]
        if chosen.is_floating_point():
            chosen = (chosen * STEPS).round().to(torch.int32)
        digest.update(chosen.contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def of_files(files: Iterable[tuple[str, str]]) -> str:
    """The fingerprint of files, each a name below the place where all of them lie, and its size as text."""
    composed = sorted((unicodedata.normalize("NFC", name), size) for name, size in files)
    return blake2b(repr(composed).encode(errors="surrogateescape"), digest_size=8).hexdigest()
