"""Turn plain containers into the objects that they describe; needs neither Hydra nor OmegaConf.

What may be built from a configuration that somebody else has written is decided in :mod:`gan_lightning.config.trust`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from gan_lightning.config.moved import target_of_today
from gan_lightning.errors import UserError

RESERVED = frozenset({"_target_", "_partial_", "_convert_", "_recursive_", "_args_"})
"""Keys of a node that say how its object is built and are not options of that object."""


def build(config: Any, path: str = "") -> Any:
    """Build the objects that plain containers describe: one for each mapping with a ``_target_``, at any depth.

    The result is that of ``hydra.utils.instantiate`` with ``_convert_="all"``, including ``_partial_``, ``_recursive_``
    and ``_args_``. Unlike Hydra, it does not turn the containers into an OmegaConf, because that would resolve their
    texts once more and could build something else than what was checked.

    Args:
        config: Dictionaries, lists and plain values. Texts are never resolved, whatever they look like.
        path: The name of ``config`` in the whole configuration, for messages.

    Raises:
        UserError: If there is no such class or function, or it raised an error; the message names the place.
    """
    if isinstance(config, (list, tuple)):
        return [build(value, f"{path}[{index}]") for index, value in enumerate(config)]
    if not isinstance(config, Mapping):
        return config
    if "_target_" not in config:
        return {key: build(value, name_below(path, key)) for key, value in config.items()}
    target = str(config["_target_"])
    below = build if config.get("_recursive_", True) else lambda value, path: value
    options = {key: below(value, name_below(path, key)) for key, value in config.items() if key not in RESERVED}
    positional = below(config.get("_args_", []), name_below(path, "_args_"))
    found = find(target)
    if not callable(found):
        raise UserError(nothing_at(target, path))
    if config.get("_partial_"):
        return partial(found, *positional, **options)
    try:
        return found(*positional, **options)
    except UserError:
        raise
    except Exception as error:  # any error by which a class refuses its options
        where = f"{path}: " if path else ""
        raise UserError(f"{where}{type(error).__name__}: {' '.join(str(error).split())}") from error


def find(target: str) -> Any:
    """The object that a dotted path names, after importing its module; None if there is no such object."""
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError as error:
            if error.name is not None and not f"{target}.".startswith(f"{error.name}."):
                raise  # because the module exists, but one that it imports does not
            continue
        for name in parts[cut:]:
            found = getattr(found, name, None)
        return found
    return None


def nothing_at(target: str, path: str) -> str:
    """One line on a dotted path that leads nowhere; it gives today's path of a class that was moved.

    Args:
        target: The dotted path.
        path: The name of the node that has it in the whole configuration.
    """
    name = name_below(path, "_target_")
    if (today := target_of_today(target)) != target:
        return f"{target} is called {today} now: write {name}={today}."
    return f"{name}={target}: there is no such class or function on the import path."


def name_below(path: str, key: Any) -> str:
    """The name in the whole configuration of the value that ``key`` has in the node called ``path``."""
    return f"{path}.{key}" if path else str(key)
