"""``failure.json``: why a job of a sweep ended, for a reader and for other programs; a traceback lies beside it."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import Any

import torch

from gan_lightning.errors import Diverged, ProcessFailed, ProcessKilled, UserError
from gan_lightning.runs.folder import SCHEMA_VERSION, RunFolder, read_json, write_json

KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (Diverged, "diverged"),
    (ProcessKilled, "machine"),
    (ProcessFailed, "error"),
    (UserError, "mistake"),
    ((torch.OutOfMemoryError, MemoryError), "out of memory"),
    (OSError, "machine"),
    (Exception, "error"),
)
"""What a failure is called; the first that fits."""

EXPLAINED = ("diverged", "mistake")
"""Kinds whose message says it all."""

PASSING = ("mistake", "machine", "out of memory")
"""Kinds that a checkpoint has no part in, such as a full disk: the job goes on from it. Others start again."""


def record_failure(run: RunFolder, error: Exception) -> dict[str, Any]:
    """Write down why a job ended, if there is room for it; gives the record.

    Returns:
        ``{"v", "status": "failed", "kind", "message", "iteration"}``; ``iteration`` is None where it is not known.
    """
    kind = next(word for types, word in KINDS if isinstance(error, types))
    message = " ".join(str(error).split())
    record = {
        "v": SCHEMA_VERSION,
        "status": "failed",
        "kind": kind,
        "message": message if isinstance(error, UserError) else f"{type(error).__name__}: {message}",
        "iteration": getattr(error, "iteration", None),
    }
    with suppress(OSError):  # a full disk, which may be why the job failed: whoever called says the reason too
        if kind not in EXPLAINED:
            run.traceback.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        write_json(run.failure, record)
    return record


def is_passing(run: RunFolder) -> bool:
    """Whether a job failed for a reason that a checkpoint has no part in."""
    try:
        record = read_json(run.failure)
    except ValueError:  # cut short while it was written, by a full disk too
        return True
    return record.get("kind") in PASSING
