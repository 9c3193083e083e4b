"""The folders that the commands write to, and the device on which they run a generator."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import torch

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


def device_named(name: str) -> torch.device:
    """The device that the option ``device=`` names; "auto" is a GPU if there is one, and else the CPU.

    Raises:
        UserError: If this machine does not have the device.
    """
    found = torch.accelerator.current_accelerator(check_available=True) if name == "auto" else None
    try:
        device = found or torch.device("cpu" if name == "auto" else name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"device={name} is not available here ({str(error).splitlines()[0]}).") from error
    return device
