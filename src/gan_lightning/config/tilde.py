"""``~`` on a command line: most shells write the home folder out where a word begins, and not behind ``option=``."""

from __future__ import annotations

import os
from collections.abc import Iterable


def with_home(words: Iterable[str]) -> list[str]:
    """The words with the home folder in the place of ``~`` in ``~/runs``, ``option=~/runs`` and ``option=~someone``."""
    return [_written_out(word) for word in words]


def _written_out(word: str) -> str:
    option, equals, place = word.partition("=")
    if word.startswith("~/"):  # without the slash it takes a key away, in Hydra's grammar
        return os.path.expanduser(word)
    return f"{option}={os.path.expanduser(place)}" if equals else word
