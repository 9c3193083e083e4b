"""Writes ``failure.json``, which says why a job of a sweep failed; a traceback lies beside it if it is of use."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import Any

import torch

from gan_lightning.errors import Diverged, ProcessFailed, ProcessKilled, UserError
from gan_lightning.runs.folder import SCHEMA_VERSION, RunFolder, read_json, write_json
from gan_lightning.runs.whole_files import write_whole

KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (Diverged, "diverged"),
    (ProcessKilled, "machine"),
    (ProcessFailed, "error"),
    (UserError, "mistake"),
    ((torch.OutOfMemoryError, MemoryError), "out of memory"),
    (OSError, "machine"),
    (Exception, "error"),
)
"""Names of the kinds of failure by the type of the error; the first that fits counts."""

EXPLAINED = ("diverged", "mistake")
"""Kinds of failure whose message is enough, so that no traceback is written."""

PASSING = ("mistake", "machine", "out of memory")
"""Kinds of failure that do not come from the training state, such as a full disk.

After such a failure a job goes on from its checkpoint; after any other it starts again.
"""


def record_failure(run: RunFolder, error: Exception) -> dict[str, Any]:
    """Write down why a job failed, if the disk has room for it, and return the record.

    Returns:
        ``{"v", "status": "failed", "kind", "message", "iteration"}``; ``iteration`` is None if it is not known.
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
    with suppress(OSError):  # the disk may be full, perhaps the cause of the failure; the caller reports it as well
        if kind not in EXPLAINED:
            write_whole(run.traceback, "".join(traceback.format_exception(error)))
        write_json(run.failure, record)
    return record


def is_passing(run: RunFolder) -> bool:
    """Whether a job failed for one of the reasons in ``PASSING``, so that it can go on."""
    try:
        record = read_json(run.failure)
    except ValueError:  # the file was cut short while it was written, for example by a full disk
        return True
    return record.get("kind") in PASSING
