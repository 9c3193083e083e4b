"""All pictures of a set, decoded by several threads at once: Pillow lets go of Python's lock while it works."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

from gan_lightning.data.pictures.decoding import Square, reason
from gan_lightning.data.pictures.files import Files

AHEAD = 8
"""Files for each thread that may be decoded before their turn comes: what waits takes memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def squares(
    files: Files, names: Sequence[str], decode: Callable[[bytes], Square], threads: int
) -> Iterator[tuple[str, Square | str]]:
    """Each name with its picture, or with the reason why there is none; in the order of the names, with a bar."""

    def attempt(name: str) -> Square | str:
        try:
            return decode(files.read(name))
        except Exception as error:  # whatever Pillow raises about a damaged file: there is no common kind
            return reason(error)

    bar = tqdm(total=len(names), unit=" pictures", dynamic_ncols=True, disable=not sys.stderr.isatty())
    with bar, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # remarks on single files that can be read all the same
        for name, square in zip(names, in_order(attempt, names, threads), strict=True):
            bar.update()
            yield name, square


def in_order(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """The results of ``items`` in their order, made by several threads that run only a little ahead."""
    upcoming = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque(pool.submit(function, item) for item in islice(upcoming, AHEAD * threads))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(upcoming, 1))
