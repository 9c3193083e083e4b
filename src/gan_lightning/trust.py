"""Building objects from a configuration that somebody else may have written.

A ``_target_`` names code to run. What the user typed or composed is the user's own; what is read from a run folder or
a checkpoint is not, and builds only classes from the list below. The check is on the object found and not on the name
written, since ``torch.os.system`` has an innocent prefix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from gan_lightning.errors import UserError

ALLOWED = (
    "gan_lightning",
    "torch.optim",
    "torch.nn.modules",
    "lightning.pytorch.callbacks",
    "lightning.pytorch.loggers",
    "lightning.pytorch.trainer.trainer",
)


def trusted_class(target: str, allow: Sequence[str] = ()) -> type:
    """The class that a dotted path names.

    Args:
        target: For example ``gan_lightning.networks.DCGANGenerator``.
        allow: Further modules that the user vouches for.

    Raises:
        UserError: It is no class, or comes from a module that nobody vouched for.
    """
    # the first part of the path decides what may be imported at all; the object's own module decides the rest
    top_levels = {name.split(".")[0] for name in (*ALLOWED, *allow)}
    found: Any = None
    if target.split(".")[0] in top_levels:
        found = find(target)
    if not isinstance(found, type) or not any(_inside(found.__module__, name) for name in (*ALLOWED, *allow)):
        module = target.rsplit(".", 1)[0]
        raise UserError(
            f"{target} is named by a stored configuration and is not built unasked. If you wrote it or trust it, "
            f"add allow=[{module}]."
        )
    return found


def check_trusted(config: Any, allow: Sequence[str] = ()) -> None:
    """Refuse a configuration that names anything but trusted classes, at any depth."""
    if isinstance(config, Mapping):
        if "_target_" in config:
            trusted_class(str(config["_target_"]), allow)
        for value in config.values():
            check_trusted(value, allow)
    elif isinstance(config, (list, tuple)):
        for value in config:
            check_trusted(value, allow)


def build_trusted(config: Any, allow: Sequence[str] = ()) -> Any:
    """Build a plain, resolved configuration node without Hydra, trusted classes only."""
    if isinstance(config, Mapping):
        values = {key: build_trusted(value, allow) for key, value in config.items() if not key.startswith("_")}
        if "_target_" not in config:
            return values
        found = trusted_class(str(config["_target_"]), allow)
        return partial(found, **values) if config.get("_partial_") else found(**values)
    if isinstance(config, (list, tuple)):
        return [build_trusted(value, allow) for value in config]
    return config


def find(target: str) -> Any:
    """The object that a dotted path names, importing its module; None where there is none."""
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError as error:
            if error.name is not None and not f"{target}.".startswith(f"{error.name}."):
                raise  # the module is there, and what it imports is not
            continue
        for name in parts[cut:]:
            found = getattr(found, name, None)
        return found
    return None


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
