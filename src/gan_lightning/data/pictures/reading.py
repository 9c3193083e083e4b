"""Decoding of many pictures by several threads, which works because Pillow releases Python's lock (the GIL)."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

from gan_lightning.data.pictures.decoding import Picture, reason

AHEAD = 8
"""Number of files for each thread that may be decoded ahead of their turn; each one that waits takes memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def decoded(
    names: Sequence[str], picture: Callable[[str], Picture], threads: int
) -> Iterator[tuple[str, Picture | str]]:
    """Each name with its picture, or the reason why it has none, in the order of the names; a bar shows progress."""

    def attempt(name: str) -> Picture | str:
        try:
            return picture(name)
        except Exception as error:  # Pillow's errors about damaged files have no common kind
            return reason(error)

    bar = tqdm(total=len(names), unit=" pictures", dynamic_ncols=True, disable=not sys.stderr.isatty())
    with bar, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # its warnings are about files that can still be read
        for name, found in zip(names, in_order(attempt, names, threads), strict=True):
            bar.update()
            yield name, found


def in_order(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """The results of the function for the items in their order, made by several threads that run a little ahead."""
    upcoming = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque(pool.submit(function, item) for item in islice(upcoming, AHEAD * threads))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(upcoming, 1))
