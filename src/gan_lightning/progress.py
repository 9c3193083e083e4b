"""Progress bars on standard error, where that is a terminal; they leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from torch import Tensor
from tqdm import tqdm

Item = TypeVar("Item")
HIDDEN_IN_A_FILE = None
"""What tqdm calls it."""
NAMED = "{desc} |{bar}| {n_fmt}/{total_fmt} [{elapsed}]"


def counted_images(batches: Iterable[Tensor], total: int, what: str, report: bool) -> Iterator[Tensor]:
    """The batches, with a bar in images."""
    hidden = HIDDEN_IN_A_FILE if report else True
    with tqdm(total=total, desc=what, unit=" images", disable=hidden, leave=False) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch))


def counted(things: Mapping[str, Item], what: str, report: bool) -> Iterator[Item]:
    """The things one after the other, with a bar that names the one that is at work."""
    hidden = HIDDEN_IN_A_FILE if report else True
    with tqdm(total=len(things), desc=what, bar_format=NAMED, disable=hidden, leave=False) as bar:
        for name, thing in things.items():
            bar.set_description(f"{what}: {name}")
            yield thing
            bar.update()
