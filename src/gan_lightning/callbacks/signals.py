"""What happens on a signal such as SIGTERM or Ctrl-C: a handler notes it, and training ends after this iteration."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

from gan_lightning.terminal import SIGNALS, last_words


class StopSignals:
    """Notes the signals that ask for an end while training runs, and does nothing else in the handler.

    These are SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal is gone) and SIGUSR1 (SLURM's notice before a job's time is
    over). A second Ctrl-C ends the program at once, for whoever does not want to wait.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The number of the signal that was noted, in this process or by agreement in another one."""
        self._earlier: dict[int, Any] = {}

    def take(self) -> None:
        """Handle the signals from here on; those that are ignored (in a background shell) stay ignored."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._earlier[number] = signal.signal(number, self._note)

    def give_back(self) -> None:
        """Put the earlier handlers back."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            last_words("interrupted at once: what was trained since the last checkpoint is lost")
            sys.exit(128 + number)  # not KeyboardInterrupt, which Lightning would turn into the status 1
        self.received = number
