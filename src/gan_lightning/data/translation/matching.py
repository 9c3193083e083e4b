"""Pairs of the pictures in two folders: a picture belongs to the one with the same name in the other folder."""

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
        name: Path below either folder without the ending, which the two files have in common.
        a: Name of the file of domain a in its folder or zip.
        b: Name of the file of domain b in its folder or zip.
    """

    name: str
    a: str
    b: str


def matched(a: Mapping[str, str], b: Mapping[str, str], place_a: str, place_b: str) -> list[Pair]:
    """The pairs among the pictures of two folders, in the order of their names.

    Args:
        a: Files of domain a by their path below its folder.
        b: Files of domain b by their path below its folder.
        place_a: Name of the folder of domain a in a message.
        place_b: Name of the folder of domain b in a message.

    Raises:
        UserError: If a picture has no partner, or two pictures of one folder have the same name; the message names the
            first few.
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
    """The pictures in the folders a/ and b/ of a folder or zip, as files by their path below each of the two.

    A single folder around both, as a zip often has, is left out of the paths.

    Raises:
        UserError: If one of the two folders is missing, or pictures lie outside of both.
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
    """Path of a picture without its ending, in which letters such as é have one of their several Unicode forms."""
    return unicodedata.normalize("NFC", path.rpartition(".")[0])


def _problems(
    own: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]], place: str, elsewhere: str
) -> Iterator[str]:
    """Descriptions of what is wrong with the names in one folder, given those in the other."""
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
