"""Where the verbs write, and on what device they draw."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import torch

from gan_lightning.errors import UserError


def home_of(source: Path) -> Path:
    """The folder that what is made of a source belongs into: the run's own for a run and for its checkpoints."""
    if source.is_dir():
        return source
    return source.parents[1] if source.parent.name == "checkpoints" else source.parent


def new_folder(to: str | None, otherwise: Path) -> Path:
    """Make the folder ``to``, or where none is given the next of ``otherwise/0``, ``otherwise/1``, ...

    Raises:
        UserError: It holds files already, or can't be made.
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
            (parent / str(number)).mkdir(parents=True)  # fails where it exists: two at once get two folders
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"Can't write {parent} ({error.strerror}): name another folder with to=.") from error
        break
    return parent / str(number)


def device_named(name: str) -> torch.device:
    """The device that ``device=`` names; "auto" is a GPU where there is one.

    Raises:
        UserError: It is not here.
    """
    found = torch.accelerator.current_accelerator(check_available=True) if name == "auto" else None
    try:
        device = found or torch.device("cpu" if name == "auto" else name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"device={name} is not available here ({str(error).splitlines()[0]}).") from error
    return device
