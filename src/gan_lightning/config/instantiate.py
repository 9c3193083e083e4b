"""Plain containers become the objects that they describe; what may be built is :mod:`gan_lightning.config.trust`'s."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from gan_lightning.errors import UserError

RESERVED = frozenset({"_target_", "_partial_", "_convert_", "_recursive_", "_args_"})
"""Keys of a node that say how it is built, and are no options of what it builds."""


def build(config: Any, path: str = "") -> Any:
    """Build the objects that plain containers describe: each mapping with a ``_target_``, and what lies below it.

    The meaning is that of ``hydra.utils.instantiate`` with ``_convert_="all"``, with ``_partial_``, ``_recursive_`` and
    ``_args_``. What it does not do is to make an OmegaConf of the containers, which would resolve their texts once more
    and build something else than what was looked at.

    Args:
        config: Dictionaries, lists and plain values. Texts are texts, whatever they look like.
        path: The name of ``config`` in the whole configuration, for messages.

    Raises:
        UserError: There is no such class or function, or it raised an error; names the place and the reason.
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
        raise UserError(
            f"{name_below(path, '_target_')}={target}: there is no such class or function on the import path."
        )
    if config.get("_partial_"):
        return partial(found, *positional, **options)
    try:
        return found(*positional, **options)
    except UserError:
        raise
    except Exception as error:  # whatever the class has against its options
        where = f"{path}: " if path else ""
        raise UserError(f"{where}{type(error).__name__}: {' '.join(str(error).split())}") from error


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


def name_below(path: str, key: Any) -> str:
    """The name of what ``key`` leads to, in the whole configuration."""
    return f"{path}.{key}" if path else str(key)
