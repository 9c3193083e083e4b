"""Near matches: the "Did you mean" after a misspelt option, choice or name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def did_you_mean(wrong: str, known: Iterable[str], most: int = 2, alike: float = 0.6) -> str:
    """The sentence " Did you mean ...?" with those of the known names that look like a wrong one, or an empty text.

    Args:
        wrong: The name that does not exist.
        known: The names that exist.
        most: Largest number of names in the sentence.
        alike: The similarity from which a name is taken to be meant, from 0 (nothing in common) to 1 (equal).
    """
    return _sentence(get_close_matches(wrong, list(known), most, alike))


def did_you_mean_option(wrong: str, known: Iterable[str]) -> str:
    """The sentence " Did you mean ...?" for an option that does not exist, or an empty text.

    The last part of its full name decides, because that is what users misspell or put below the wrong group.

    Args:
        wrong: The full name of the option, such as ``optimizer.lrr``.
        known: The full names of the options that exist.
    """
    by_last_part: dict[str, list[str]] = {}
    for name in known:
        by_last_part.setdefault(name.rsplit(".", 1)[-1], []).append(name)
    alike = get_close_matches(wrong.rsplit(".", 1)[-1], by_last_part, 3, 0.8)
    names = [name for last in alike for name in by_last_part[last] if name != wrong]
    return _sentence(sorted(names, key=lambda name: -SequenceMatcher(None, wrong, name).ratio())[:2])


def _sentence(names: list[str]) -> str:
    return f" Did you mean {' or '.join(names)}?" if names else ""
