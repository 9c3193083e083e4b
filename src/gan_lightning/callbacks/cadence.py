"""Tells when something is due that happens every so many thousand images."""

from __future__ import annotations

from gan_lightning.errors import UserError


class Cadence:
    """Counts intervals of images, and tells once for each interval that it is full.

    Args:
        every_kimg: Length of an interval in thousands of real images, or None if nothing is ever due.
        option: Name of the option that sets the length, for the message.
    """

    def __init__(self, every_kimg: float | None, option: str) -> None:
        if every_kimg is not None and every_kimg <= 0:
            raise UserError(f"{option}={every_kimg}: give a positive number, or null for never.")
        self.every_kimg = every_kimg
        self.passed = 0
        """Number of intervals that are full."""

    def start(self, images_seen: int) -> None:
        """Take the intervals before this number of images for done."""
        self.passed = self._intervals(images_seen)

    def due(self, images_seen: int) -> bool:
        """Whether another interval has become full since this was last asked."""
        passed = self._intervals(images_seen)
        due = passed > self.passed
        self.passed = max(passed, self.passed)
        return due

    def _intervals(self, images_seen: int) -> int:
        return int(images_seen // (1000 * self.every_kimg)) if self.every_kimg else 0
