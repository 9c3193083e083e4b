"""Unknown keys of a configuration, which nothing reads, such as those that a misspelt option leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from gan_lightning.config.instantiate import RESERVED
from gan_lightning.config.references import REFERENCE
from gan_lightning.config.signatures import parameters

COLLECTIONS = ("augment", "penalty", "constraint", "logger", "callbacks")
"""Groups that hold objects by name."""

MAY_BE_OFF = ("logger", "callbacks")
"""Groups whose members null turns off."""

NEUTRAL = {"conditioning.generator": "none", "conditioning.discriminator": "none"}
"""Options and their values that ask for nothing, so that a user's own model need not read them."""


def unknown_keys(config: DictConfig) -> Iterator[tuple[str, list[str]]]:
    """Keys that no constructor takes and no interpolation refers to, each with the known names beside it."""
    referred_to = set(references(config))
    yield from ((name, near) for name, near in _unknown(config, "", referred_to) if not name.startswith("run."))


def _unknown(node: Any, path: str, references: set[str], handed_over: bool = False) -> Iterator[tuple[str, list[str]]]:
    """The unknown keys of a node.

    Args:
        node: A part of the configuration.
        path: The name of ``node`` in the whole configuration.
        references: The full names of the options that interpolations refer to.
        handed_over: Whether a constructor is given the node; if so, the keys of plain mappings are its own affair.
    """
    if isinstance(node, ListConfig):
        for index in range(len(node)):
            if not is_reference(node, index):
                yield from _unknown(node[index], f"{path}[{index}]", references, handed_over)
    if not isinstance(node, DictConfig) or node._is_none():
        return
    target = node.get("_target_")
    accepted = parameters(str(target), path) if target is not None else None
    for key in map(str, node):
        if key in RESERVED:
            continue
        name = f"{path}.{key}" if path else key
        container = not is_reference(node, key) and isinstance(node[key], (DictConfig, ListConfig))
        if target is not None:
            unknown = accepted is not None and key not in accepted
            beside = [f"{path}.{known}" for known in accepted or ()]
        else:
            off = path in MAY_BE_OFF and node[key] is None
            neutral = name in NEUTRAL and node[key] == NEUTRAL[name]
            shared = path not in COLLECTIONS and _is_shared_default(node, key)
            used = container or off or neutral or shared or any(_covers(each, name) for each in references)
            unknown = bool(path) and not used
            beside = [f"{path}.{known}" for known in map(str, node) if known != key]
        if unknown:
            yield name, beside
        elif container and (target is None or _builds_something(node[key])):
            yield from _unknown(node[key], name, references, handed_over or target is not None)


def is_reference(node: Any, key: Any) -> bool:
    """Whether a value is an interpolation ``${...}`` or missing, so that it has no value of its own."""
    return OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key)


def references(node: Any, path: str = "") -> Iterator[str]:
    """Full names of the options that interpolations refer to; ``${..lr}`` counts its dots from the node that has it."""
    keys: Iterable[Any] = node if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        name = f"{path}.{key}" if path else str(key)
        raw = node._get_node(key)._value()
        if isinstance(raw, str):
            for dots, reference in REFERENCE.findall(raw):
                base = name.split(".")[: -len(dots)] if dots else []
                yield ".".join([*base, reference]) if reference else ".".join(base)
        elif isinstance(raw, (dict, list)):
            yield from references(node._get_node(key), name)


def _is_shared_default(node: DictConfig, key: str) -> bool:
    """Whether several objects beside a value have one of their own by its name, so that none refers to it any more."""
    beside = [node[name] for name in node if not is_reference(node, name) and isinstance(node[name], DictConfig)]
    return sum("_target_" in each and key in each for each in beside) > 1


def _covers(reference: str, name: str) -> bool:
    return name == reference or name.startswith(f"{reference}.")


def _builds_something(node: Any) -> bool:
    """Whether the node or one below it builds an object; the keys of a plain mapping are its constructor's affair."""
    return "_target_" in str(OmegaConf.to_container(node, resolve=False))
