"""Progress bars on standard error, which are shown on a terminal only and vanish when they are done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from torch import Tensor
from tqdm import tqdm

Item = TypeVar("Item")
HIDDEN_IN_A_FILE = None
"""The value of tqdm's ``disable`` that shows a bar on a terminal only."""
NAMED = "{desc} |{bar}| {n_fmt}/{total_fmt} [{elapsed}]"


def counted_images(batches: Iterable[Tensor], total: int, what: str, report: bool) -> Iterator[Tensor]:
    """The batches one after the other, with a bar that counts images; without ``report`` there is no bar."""
    hidden = HIDDEN_IN_A_FILE if report else True
    with tqdm(total=total, desc=what, unit=" images", disable=hidden, leave=False) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch))


def counted(things: Mapping[str, Item], what: str, report: bool) -> Iterator[Item]:
    """The things one after the other, with a bar that names the present one; without ``report`` there is no bar."""
    hidden = HIDDEN_IN_A_FILE if report else True
    with tqdm(total=len(things), desc=what, bar_format=NAMED, disable=hidden, leave=False) as bar:
        for name, thing in things.items():
            bar.set_description(f"{what}: {name}")
            yield thing
            bar.update()
