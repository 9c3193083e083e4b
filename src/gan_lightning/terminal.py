"""How a command ends after a user's mistake: with one line on standard error and exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from gan_lightning.errors import UserError


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """A context in which a :class:`UserError` ends the program with its message and status 2, without a traceback."""
    try:
        yield
    except UserError as error:
        end(str(error))


def end(message: str) -> NoReturn:
    """Print the message as an error and exit with status 2."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)
