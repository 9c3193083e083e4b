"""Names of the parameters of a ``_target_``, and the values that their annotations admit."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from omegaconf import DictConfig, ListConfig

from gan_lightning.config.instantiate import find, nothing_at
from gan_lightning.errors import UserError

WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    NoneType: "null",
    DictConfig: "a group",
    ListConfig: "a list",
}
LISTS = (list, tuple, Sequence)


def parameters(target: str, path: str) -> list[str] | None:
    """Names of the parameters that a ``_target_`` takes; None if it takes any name, or its signature is unknown.

    Raises:
        UserError: If there is no such class or function, or importing it fails.
    """
    try:
        found = find(target)
    except Exception as error:  # importing the user's module may raise any error
        raise UserError(f"{path}._target_={target}: importing it fails with {type(error).__name__}: {error}") from error
    if not callable(found):
        raise UserError(nothing_at(target, path))
    names: list[str] = []
    for owner in found.__mro__[:-1] if isinstance(found, type) else (found,):
        try:
            accepted = inspect.signature(owner).parameters.values()
        except ValueError:  # if it is written in C
            return None
        names += (p.name for p in accepted if p.kind is not p.VAR_KEYWORD and p.name not in names)
        if not any(p.kind is p.VAR_KEYWORD for p in accepted):
            return names
    return None


def annotated(target: str) -> dict[str, Any]:
    """The annotations of the parameters of a ``_target_``, by name.

    If it takes ``**options``, the parameters of its base classes are included.
    """
    found = find(target)
    kinds: dict[str, Any] = {}
    for owner in found.__mro__[:-1] if isinstance(found, type) else (found,):
        try:
            signature = inspect.signature(owner, eval_str=True)
        except (NameError, TypeError, ValueError):  # names imported for type checking only, or written in C
            break
        kinds = {p.name: p.annotation for p in signature.parameters.values() if p.annotation is not p.empty} | kinds
        if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
            break
    return kinds


def admits(annotation: Any, value: Any) -> bool:
    """Whether an annotation admits a plain value.

    Only plain types, lists and literals are judged; an annotation without any of these admits everything.
    """
    members, literals = kinds_and_literals(annotation)
    if Any in members or not (literals or any(member in WORDS for member in members if member is not NoneType)):
        return True
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value in literals or type(value) in members or (whole and float in members)


def choices_in_words(annotation: Any) -> list[str]:
    """The kinds of values that an annotation admits, in words, and the single values that it lists as literals."""
    members, literals = kinds_and_literals(annotation)
    return [*(words for kind, words in WORDS.items() if kind in members), *map(str, literals)]


def kinds_and_literals(annotation: Any) -> tuple[set[Any], list[Any]]:
    """The types of which an annotation is a union, with every kind of list as ``list``, and its literal values."""
    if get_origin(annotation) is Literal:
        return set(), list(get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        parts = [kinds_and_literals(part) for part in get_args(annotation)]
        return set().union(*(types for types, _ in parts)), [value for _, values in parts for value in values]
    return {list if (get_origin(annotation) or annotation) in LISTS else annotation}, []
