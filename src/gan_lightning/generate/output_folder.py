"""The folder that ``generate.py`` writes to: the one that is named, or the next in the run folder."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from gan_lightning.errors import UserError


def new_folder(to: str | None, otherwise: Path) -> Path:
    """Make the folder ``to`` and return its path; if it is None, make the next of ``otherwise/0``, ``otherwise/1``, ...

    Raises:
        UserError: If the folder holds files already, or cannot be made.
    """
    if to is None:
        return _next_of(otherwise)
    folder = Path(to)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(f"to={to} holds files already: name an empty or new folder.")
    except OSError as error:
        raise UserError(f"Can't write to={to}: {error.strerror}.") from error
    return folder


def _next_of(parent: Path) -> Path:
    for number in count():
        try:
            (parent / str(number)).mkdir(parents=True)  # fails if the folder exists, so two processes get two folders
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"Can't write {parent} ({error.strerror}): name another folder with to=.") from error
        break
    return parent / str(number)
