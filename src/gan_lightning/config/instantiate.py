"""A configuration becomes plain containers, and these become the objects that they describe.

What may be built of a configuration that somebody else has written is decided in :mod:`gan_lightning.config.trust`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.errors import UserError

RESERVED = frozenset({"_target_", "_partial_", "_convert_", "_recursive_", "_args_"})
"""Keys of a node that say how it is built, and are no options of what it builds."""


def resolve(config: DictConfig) -> dict[str, Any]:
    """Plain containers, every interpolation followed; a list of whole numbers and fractions is one of fractions.

    YAML reads betas=[0,0.9] as an int and a float, which torch takes for a mistake.

    Raises:
        UserError: If a value is missing or refers to nothing.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"The configuration can't be resolved: {str(error).splitlines()[0]}") from error
    assert isinstance(plain, dict)
    return {str(key): _of_one_kind(value) for key, value in plain.items()}


def _of_one_kind(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _of_one_kind(value) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    kinds = {type(value) for value in node}
    return [float(value) for value in node] if kinds == {int, float} else [_of_one_kind(value) for value in node]


def build(config: Any, path: str = "") -> Any:
    """Build the objects that plain containers describe: each mapping with a ``_target_``, and what lies below it.

    The meaning is that of ``hydra.utils.instantiate`` with ``_convert_="all"``, with ``_partial_``, ``_recursive_`` and
    ``_args_``. What it does not do is to make an OmegaConf of the containers, which would resolve their texts once more
    and build something else than what was looked at.

    Args:
        config: Dictionaries, lists and plain values. Texts are texts, whatever they look like.
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
