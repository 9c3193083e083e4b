"""The one exception for what a user can put right: its message says what is wrong and what to do."""


class UserError(Exception):
    """Bad input. The scripts print its message alone, without a traceback, and exit with status 2."""


class Diverged(UserError):
    """A loss, a logit, a gradient, a pixel or a metric is no longer finite; nothing is saved after that."""

    def __init__(self, message: str, iteration: int | None = None) -> None:
        super().__init__(message)
        self.iteration = iteration


class ProcessFailed(UserError):
    """Another process of the run met what ended it."""


class ProcessKilled(ProcessFailed):
    """A signal ended another process of the run, such as the system's where memory is short."""


class NoSuchSplit(UserError):
    """A data set has no images of the split that was asked for, and never will have."""
