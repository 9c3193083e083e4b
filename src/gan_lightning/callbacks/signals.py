"""What happens on SIGTERM and Ctrl-C: a handler notes them, and training ends after the iteration under way."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class StopSignals:
    """Notes SIGTERM and SIGINT (Ctrl-C) while training runs, and does nothing else in the handler.

    A second Ctrl-C raises KeyboardInterrupt, for whoever does not want to wait.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The number of the signal that was noted, in this process or by agreement in another one."""
        self._earlier: dict[int, Any] = {}

    def take(self) -> None:
        """Handle the signals from here on; those that are ignored (in a background shell) stay ignored."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._earlier[number] = signal.signal(number, self._note)

    def give_back(self) -> None:
        """Put the earlier handlers back."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
