"""Ends a job that runs in a process of joblib's when its sweep ends, also if the sweep was killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

POLL_S = 1.0
"""Seconds between two looks at whether the sweep is still there."""
"""Seconds between two looks at whether the sweep is still there."""


@contextmanager
def ends_with(sweep: int) -> Iterator[None]:
    """Run a job in a child of the sweep's process: if that process is gone, training saves and this process ends.

    In a process that is not such a child nothing is watched.
    """
    if os.getppid() != sweep:
        yield
        return
    threading.Thread(target=_watch, args=(sweep,), daemon=True, name="sweep").start()
    try:
        yield
    finally:
        if os.getppid() != sweep:  # joblib would wait for a next job, and nobody is left to send one
            os._exit(128 + signal.SIGTERM)


def _watch(sweep: int) -> None:
    while os.getppid() == sweep:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
