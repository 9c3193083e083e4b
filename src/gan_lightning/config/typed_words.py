"""Files and folders on a command line: the home folder ``~``, and names with characters that mean something to Hydra.

Most shells expand ``~`` at the beginning of a word but not after ``=``. Hydra reads commas, brackets and quotes in a
value as its own grammar; if a file or folder of just this name exists, the name is meant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

SPECIAL = re.compile(r"[^\w./~%@+-]", re.ASCII)
"""Pattern of a character by which Hydra's grammar may take a name for something else."""
QUOTED = re.compile(r"(['\"])(.*)\1", re.DOTALL)


def with_home(words: Iterable[str]) -> list[str]:
    """The words as Hydra reads them: ``~`` is expanded, and the names of existing files and folders are quoted.

    The home folder is found in ``~/runs``, ``option=~/runs`` and ``option=~someone``.
    """
    return [_written_out(word) for word in words]


def unquoted(text: str) -> str:
    """The text without quotes around it, if it has some, as in ``resume='"my runs/1"'``."""
    found = QUOTED.fullmatch(text)
    return text if found is None else re.sub(rf"(\\+)({found[1]}|$)", _halved, found[2])


def _written_out(word: str) -> str:
    option, equals, place = word.partition("=")
    if word.startswith("~/"):  # without the slash, ``~`` deletes a key in Hydra's grammar
        return os.path.expanduser(word)
    if not equals:
        return word
    place = os.path.expanduser(place)
    return f"{option}={_quoted(place) if SPECIAL.search(place) and _exists(place) else place}"


def _quoted(place: str) -> str:
    """The name in quotes; a quote in it gets a backslash, and backslashes before a quote are doubled."""
    return "'" + re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), place) + "'"


def _halved(found: re.Match[str]) -> str:
    return found[1][: len(found[1]) // 2] + found[2]


def _exists(place: str) -> bool:
    try:
        return "${" not in place and os.path.lexists(place)
    except ValueError:  # no name of a file can be so, such as one with a zero in it
        return False
