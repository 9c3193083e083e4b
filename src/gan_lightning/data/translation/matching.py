"""Which picture of one folder belongs to which of another: the one of the same name."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gan_lightning.data.pictures.layout import is_picture, listing
from gan_lightning.errors import UserError

A, B = "a", "b"


@dataclass(frozen=True)
class Pair:
    """A pair of files.

    Args:
        name: What they have in common: their path below either folder, without the ending.
        a: The file of domain a, as its folder or zip has it.
        b: That of domain b.
    """

    name: str
    a: str
    b: str


def matched(a: Mapping[str, str], b: Mapping[str, str], place_a: str, place_b: str) -> list[Pair]:
    """The pairs among the pictures of two folders, in the order of their names.

    Args:
        a: File by path below the folder of domain a.
        b: The same for domain b.
        place_a: What to call the folder of domain a in a message.
        place_b: The same for domain b.

    Raises:
        UserError: If a picture has no partner, or two of one folder have one name; the message names the first few.
    """
    names_a, names_b = _by_name(a), _by_name(b)
    problems = [*_problems(names_a, names_b, place_a, place_b), *_problems(names_b, names_a, place_b, place_a)]
    if problems:
        raise UserError(
            f"Pictures are pairs if their names are the same up to the ending, but {'; '.join(problems)}. Rename or "
            "remove them, or train without partners: data=domains"
        )
    return [Pair(name, a[names_a[name][0]], b[names_b[name][0]]) for name in sorted(names_a)]


def below(names: Iterable[str], place: str) -> tuple[dict[str, str], dict[str, str]]:
    """The pictures in the folders a/ and b/ of a folder or zip: file by path below each of the two.

    A single folder around both, as a zip often has, does not count.

    Raises:
        UserError: If one of the two is missing, or pictures lie beside them.
    """
    pictures = [name for name in names if is_picture(name)]
    tops = {name.split("/")[0] for name in pictures}
    around = f"{tops.pop()}/" if len(tops) == 1 and tops.isdisjoint({A, B}) else ""
    sides: dict[str, dict[str, str]] = {A: {}, B: {}}
    beside = []
    for name in pictures:
        side, slash, path = name[len(around) :].partition("/")
        if slash and side in sides:
            sides[side][path] = name
        else:
            beside.append(name)
    if missing := [f"{side}/" for side, files in sides.items() if not files]:
        raise UserError(
            f"{place} must have pictures in two folders a/ and b/, and has none in {' and '.join(missing)}. Folders of "
            "other names are given as data.a=... data.b=..., and pairs glued side by side as data.glued=..."
        )
    if beside:
        raise UserError(
            f"{len(beside):,} picture(s) in {place} lie neither in a/ nor in b/: {listing(sorted(beside))}. Move or "
            "remove them"
        )
    return sides[A], sides[B]


def name_of(path: str) -> str:
    """A picture's path without its ending, the same for all ways to write an é."""
    return unicodedata.normalize("NFC", path.rpartition(".")[0])


def _problems(
    own: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]], place: str, elsewhere: str
) -> Iterator[str]:
    """What is wrong with the names of one folder, given those of the other."""
    if twice := sorted(name for name, paths in own.items() if len(paths) > 1):
        found = [f"{name}: {' and '.join(sorted(own[name]))}" for name in twice]
        yield f"{len(twice):,} name(s) stand for several pictures of {place} ({listing(found)})"
    if alone := sorted(path for name, paths in own.items() if name not in other for path in paths):
        yield f"{len(alone):,} picture(s) of {place} have no partner in {elsewhere} ({listing(alone)})"


def _by_name(side: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in side:
        found[name_of(path)].append(path)
    return found
