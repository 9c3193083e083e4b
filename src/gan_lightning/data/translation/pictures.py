"""Reading and caching of your own pictures, which pairs and unpaired domains of them have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import torch

from gan_lightning.data.pictures.decoding import FORMAT, SUFFIXES, Picture
from gan_lightning.data.pictures.files import files_at, size_of
from gan_lightning.data.pictures.folder import DamagedPictures
from gan_lightning.data.pictures.layout import folder_around, is_picture, listing, other_files, place
from gan_lightning.data.pictures.pixels import Pixels, stored
from gan_lightning.data.pictures.reading import decoded
from gan_lightning.errors import NoSuchSplit, UserError

Background = Literal["white", "black"]


@dataclass(frozen=True)
class PictureOptions:
    """Options of how your own pictures are read and split.

    Args:
        background: Colour that shows through transparent pixels.
        test_share: Share of the pictures that is held out of training as the split "test". Their names decide which.
        skip_damaged: Whether pictures that cannot be used are left out; otherwise they end the run.
        in_memory_gb: Size above which a split is not loaded but mapped from disk (1 GB is 10^9 bytes, for each
            process).
    """

    background: Background = "white"
    test_share: float = 0.1
    skip_damaged: bool = False
    in_memory_gb: float = 4.0

    def __post_init__(self) -> None:
        """Check the share.

        Raises:
            UserError: If the share is not at least 0 and less than 1.
        """
        if not 0 <= self.test_share < 1:
            raise UserError(f"data.test_share={self.test_share} must be at least 0 and less than 1")

    def of_split(self, names: Sequence[str], split: str) -> list[str]:
        """The names in ``split``, in an order that does not depend on where the pictures lie.

        Raises:
            NoSuchSplit: If there are none.
        """
        around = len(folder_around(names))
        chosen = [name for name in names if (place(name[around:]) < self.test_share) == (split == "test")]
        if not chosen:
            raise NoSuchSplit(
                f"there are no pictures {'to train on' if split == 'train' else 'to test with'}: "
                f"data.test_share={self.test_share} holds out {len(names) * (split == 'train'):,} of {len(names):,}"
            )
        return sorted(chosen, key=lambda name: (place(name[around:]), name), reverse=True)

    def in_memory(self, images: torch.Tensor) -> torch.Tensor:
        """The images of a mapped tensor, loaded into memory if they are small enough."""
        return images.clone() if images.nbytes <= self.in_memory_gb * 1e9 else images


class Pictures:
    """The pictures in a folder or zip.

    Args:
        root: Path of the folder or zip.
        option: Name of the option that says where it is, for the messages.

    Raises:
        UserError: If there is no such folder or zip, or it has no pictures.
    """

    def __init__(self, root: str, option: str) -> None:
        self.root = Path(root).expanduser().resolve()
        self.place = f"{option}={self.root}"
        self.files = files_at(self.root, option)
        self.states: Mapping[str, str] = self.files.listed()
        self.names = [name for name in self.states if is_picture(name)]
        if not self.names:
            raise UserError(
                f"{self.place} has no pictures, but {other_files(self.states) or 'nothing at all'}: "
                f"the name of a picture ends in {', '.join(SUFFIXES)}"
            )

    def sizes(self) -> Iterator[tuple[str, str]]:
        """Name of each picture below the folder around all of them, and its size, for a fingerprint."""
        around = folder_around(self.names)
        return ((name.removeprefix(around), size_of(self.states[name])) for name in self.names)


def kept(
    kind: str,
    size: tuple[int, int],
    background: str,
    states: Mapping[str, Sequence[str]],
    picture: Callable[[str], Picture],
    source: str,
) -> Pixels:
    """Decoded pictures, from the cache if they are there; otherwise they are decoded and put into the cache.

    Args:
        kind: Name of the way in which pictures are made of files, so that pictures made in another way are not found.
        size: Height and width of the pictures that ``picture`` gives.
        background: Colour that shows through transparent pixels.
        states: Names of the files of each picture, with texts that change if the content of a file does, by the name of
            the picture. The pictures are stored in this order.
        picture: Function that reads and decodes the picture of a name.
        source: Place of the files, for the message.
    """
    contents = (kind, FORMAT, size, background, [(name, *state) for name, state in states.items()])
    key = blake2b(repr(contents).encode(errors="surrogateescape"), digest_size=12).hexdigest()
    return stored(key, size, len(states), partial(_read, list(states), size, picture, source))


def _read(
    names: Sequence[str], size: tuple[int, int], picture: Callable[[str], Picture], source: str
) -> Iterator[tuple[str, Picture | str]]:
    threads, start = torch.get_num_threads(), time.monotonic()
    shape = f"{size[0]} x {size[1]} pixels"
    print(f"reading {len(names):,} pictures from {source} at {shape}, {threads} at a time", flush=True)
    yield from decoded(names, picture, threads)
    print(f"read in {time.monotonic() - start:.1f} s; the next run finds them in the cache", flush=True)


def require_usable(unreadable: Mapping[str, str], what: str, source: str) -> None:
    """Check that all pictures can be used.

    Args:
        unreadable: The reason why a picture cannot be used, by the name of the picture.
        what: Word for what cannot be used, such as "pair(s)".
        source: Place of the files, for the message.

    Raises:
        DamagedPictures: If some cannot be used; the message names the first few and says why.
    """
    if unreadable:
        found = listing(sorted(f"{name} ({reason})" for name, reason in unreadable.items()))
        raise DamagedPictures(f"{len(unreadable):,} {what} of {source} can't be used: {found}. Mend or remove them")
