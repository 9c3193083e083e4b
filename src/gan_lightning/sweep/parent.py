"""A job in a process that joblib started ends with the sweep that it belongs to, also where that one was killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

POLL_S = 1.0


@contextmanager
def ends_with(sweep: int) -> Iterator[None]:
    """In a child of the sweep's process: when that one is gone, training saves and stops, and this process ends."""
    if os.getppid() != sweep:
        yield
        return
    threading.Thread(target=_watch, args=(sweep,), daemon=True, name="sweep").start()
    try:
        yield
    finally:
        if os.getppid() != sweep:  # joblib would wait for the next job, which nobody is there to give
            os._exit(128 + signal.SIGTERM)


def _watch(sweep: int) -> None:
    while os.getppid() == sweep:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
