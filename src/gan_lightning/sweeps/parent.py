"""A job in a process that joblib started ends with the sweep that it belongs to, also where that one was killed."""

from __future__ import annotations

import os
import signal
import threading
import time

POLL_S = 1.0


def end_with(sweep: int) -> None:
    """If this process is a child of the sweep's, send it SIGTERM when that one is gone: training saves and stops."""
    if os.getppid() == sweep:
        threading.Thread(target=_watch, args=(sweep,), daemon=True, name="sweep").start()


def _watch(sweep: int) -> None:
    while os.getppid() == sweep:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
