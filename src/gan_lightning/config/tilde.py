"""The home folder ``~`` on a command line, which most shells expand at the beginning of a word but not after ``=``."""

from __future__ import annotations

import os
from collections.abc import Iterable


def with_home(words: Iterable[str]) -> list[str]:
    """The words with ``~`` expanded to the home folder in ``~/runs``, ``option=~/runs`` and ``option=~someone``."""
    return [_written_out(word) for word in words]


def _written_out(word: str) -> str:
    option, equals, place = word.partition("=")
    if word.startswith("~/"):  # without the slash, ``~`` deletes a key in Hydra's grammar
        return os.path.expanduser(word)
    return f"{option}={os.path.expanduser(place)}" if equals else word
