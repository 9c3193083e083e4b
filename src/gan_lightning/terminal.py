"""A user's mistake ends a command with one line and status 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from gan_lightning.errors import UserError


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """A user's mistake ends the program with its message and status 2, without a traceback."""
    try:
        yield
    except UserError as error:
        end(str(error))


def end(message: str) -> NoReturn:
    """Say why, and exit with status 2."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)
