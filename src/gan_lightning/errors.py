"""The exceptions for mistakes that a user can put right: the message says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping


class UserError(Exception):
    """A mistake of the user, for which the scripts print the message without a traceback and exit with status 2."""


class Diverged(UserError):
    """A loss, a logit, a gradient, a pixel or a metric is no longer finite; nothing is saved after that.

    Args:
        message: What is not finite, and what to do.
        iteration: The iteration in which it was seen, or None if it belongs to none.
        first: Names of the curves that are not finite, each with the first iteration in which it was not.
    """

    def __init__(self, message: str, iteration: int | None = None, first: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.iteration = iteration
        self.first = dict(first or {})


class Ill(Diverged):
    """An illness of which training is not to go on, because it is rolled back to a checkpoint from before it."""


class ProcessFailed(UserError):
    """Another process of the run ended with an error."""


class ProcessKilled(ProcessFailed):
    """A signal ended another process of the run; the system sends one if memory is short."""


class NoSuchSplit(UserError):
    """A data set has no images of the split that was asked for, and never will have, so no attempt can succeed."""
