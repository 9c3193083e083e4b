"""How a class is meant that was typed as a name or as a number, and in which order classes stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def class_number(given: Any, names: Sequence[str]) -> int | None:
    """The number of the class that was typed, or None if there is no such class.

    A number counts the classes from 0. Where classes are called by numbers, it is a name: of the folders 0, 1, 2 and
    10, the number 10 means the folder 10, and 3 none of them.

    Args:
        given: A name or a number.
        names: Names of all classes in their order.
    """
    if type(given) not in (int, str):  # True is no class
        return None
    if str(given) in names:
        return names.index(str(given))
    counts = isinstance(given, int) and 0 <= given < len(names) and not called_by_numbers(names)
    return given if counts else None


def called_by_numbers(names: Iterable[str]) -> bool:
    """Whether the name of any class is a number."""
    return any(name.isdecimal() for name in names)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names in the order of their classes: numbers by their size, then the others by the alphabet."""
    return tuple(sorted(names, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name)))


def listed(names: Sequence[str]) -> str:
    """All classes for a message, as they can be typed."""
    return ", ".join(names if called_by_numbers(names) else (f"{i} ({name})" for i, name in enumerate(names)))
