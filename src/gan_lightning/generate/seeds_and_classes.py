"""Turns the seeds and classes that were typed into the list of images that are wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from gan_lightning.data.class_names import class_number, listed
from gan_lightning.errors import UserError

SEED_LIMIT = 2**32
"""Smallest number that is too large for a seed."""
RANGE = re.compile(r"(\d+)-(\d+)")
LONGEST_NAME = 80
"""Number of characters of a class's name that stand in the name of a file."""


class Wanted(NamedTuple):
    """One image that is wanted: a seed and, if the generator takes labels, a class and the class's name in files."""

    seed: int
    label: int | None = None
    class_name: str = ""

    def name(self, digits: int) -> str:
        """Name of the image's file without its ending; the seed has ``digits`` digits, but at least 6."""
        return f"seed-{self.seed:0{max(6, digits)}d}" + ("" if self.label is None else f"-class-{self.class_name}")


def seeds_from(given: Any, count: int | None, default: int) -> list[int]:
    """The seeds that ``seeds=`` and ``count=`` ask for.

    Args:
        given: A whole number, a range such as "0-63" (with both ends), a list of these, or None.
        count: Number of seeds, which count up from 0, or None.
        default: The count if neither ``given`` nor ``count`` is given.

    Raises:
        UserError: If both are given, if something is not a seed, or if a seed is given twice.
    """
    if given is not None and count is not None:
        raise UserError(f"seeds={given} and count={count} both say which images: give one of them.")
    if given is None:
        wanted = default if count is None else count
        if wanted < 1:
            raise UserError(f"count={wanted}: at least one image is needed.")
        return list(range(wanted))
    seeds = [seed for part in (given if isinstance(given, list) else [given]) for seed in _part(part)]
    if not seeds:
        raise UserError("seeds=[] holds no seed.")
    if len(set(seeds)) < len(seeds):
        raise UserError(f"seeds={given} has a seed twice, and one seed gives one image.")
    return seeds


def _part(part: Any) -> Iterator[int]:
    bounds = RANGE.fullmatch(str(part))
    first, last = map(int, bounds.groups()) if bounds else (_number(part), _number(part))
    if last < first:
        raise UserError(f"seeds={part}: a range goes up, such as {last}-{first}.")
    if last >= SEED_LIMIT:
        raise UserError(f"seeds={part}: a seed is below 2^32.")
    yield from range(first, last + 1)


def _number(part: Any) -> int:
    if not str(part).isdecimal():
        raise UserError(f"seeds={part}: give whole numbers from 0 on, ranges or both: 7, 0-63, [0-9,20,25].")
    return int(part)


def ranges(seeds: Sequence[int]) -> list[str]:
    """Seeds in the short form that ``seeds=`` accepts: consecutive seeds are written as a range."""
    starts = [i for i in range(len(seeds)) if i == 0 or seeds[i] != seeds[i - 1] + 1]
    spans = [(seeds[first], seeds[end - 1]) for first, end in pairwise([*starts, len(seeds)])]
    return [str(first) if first == last else f"{first}-{last}" for first, last in spans]


def labels_from(given: Any, num_classes: int, names: Callable[[bool], Sequence[str]]) -> list[int] | None:
    """The classes that ``classes=`` asks for, as numbers, or None if it was not given.

    Args:
        given: A class's number or name (:func:`~gan_lightning.data.class_names.class_number`), a list of these, "all",
            or None.
        num_classes: Number of the generator's classes; 0 if it takes no labels.
        names: A function that returns the names of the classes in their order. Called with False, because none was
            typed, it may also return nothing if they are not at hand.

    Raises:
        UserError: If the generator takes no labels or has no such class, or if a class is given twice.
    """
    if given is None:
        return None
    if not num_classes:
        raise UserError(
            f"classes={given}: this generator takes no labels. Train one that does, such as with "
            "model=dcgan conditioning=projection."
        )
    if given == "all":
        return list(range(num_classes))
    typed = given if isinstance(given, list) else [given]
    known = names(any(isinstance(each, str) for each in typed))
    labels = []
    for each in typed:
        if (label := class_number(each, known or tuple(map(str, range(num_classes))))) is None:
            has = listed(known) if known else f"0 to {num_classes - 1}"
            raise UserError(f"classes={given}: this generator has the classes {has}; or take all.")
        labels.append(label)
    if not labels or len(set(labels)) < len(labels):
        raise UserError(f"classes={given}: give at least one class, and each once.")
    return labels


def names_in_files(names: Sequence[str], num_classes: int) -> list[str]:
    """The name of each class as a part of the name of a file: its number if it has no name, or none of its own.

    Args:
        names: Names of the classes; empty if they are not known. A stranger's run may hold any text.
        num_classes: Number of the classes.
    """
    safe = [re.sub(r"[^\w.+-]", "_", name)[:LONGEST_NAME] for name in names]
    return safe if len(set(safe)) == num_classes else [str(number) for number in range(num_classes)]


def every(seeds: Sequence[int], labels: Sequence[int | None], names: Sequence[str]) -> list[Wanted]:
    """Every seed in every class, in an order in which the images of one seed are next to each other.

    Args:
        seeds: The seeds.
        labels: The classes as numbers.
        names: The name of each class of the generator in files.
    """
    return [wanted(seed, label, names) for seed in seeds for label in labels]


def wanted(seed: int, label: int | None, names: Sequence[str]) -> Wanted:
    """The image of a seed and a class."""
    return Wanted(seed, label, "" if label is None else names[label])
