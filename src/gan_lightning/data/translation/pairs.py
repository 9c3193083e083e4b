"""Pairs of your own pictures, from two folders, from one folder with a/ and b/ in it, or glued side by side."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gan_lightning.data.fingerprint import of_files
from gan_lightning.data.pictures.decoding import Picture, decode_glued, decode_pair
from gan_lightning.data.pictures.pixels import Pixels
from gan_lightning.data.translation.datamodule import PairedDataModule
from gan_lightning.data.translation.matching import Pair, below, matched, name_of
from gan_lightning.data.translation.own_pictures import OwnPictures
from gan_lightning.data.translation.pictures import Pictures, kept, require_usable
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import NoSuchSplit, UserError

AT_ONCE = 64  # number of pictures that are compared at a time, because the comparison takes memory


class Pairs(OwnPictures, PairedDataModule):
    """Pairs of pictures.

    Either ``a`` and ``b`` are given, or ``root``, or ``glued``; each may be a folder or a zip. The two
    pictures of a pair have the same path up to the ending, and the same height and width.

    Args:
        a: Path of the pictures of domain a.
        b: Path of the pictures of domain b.
        root: Path of one folder that has both, in folders a/ and b/.
        glued: Path of pictures whose left half is of domain a and whose right half is of domain b.
        swap: Whether the two domains are exchanged.
        options: The options of :class:`~gan_lightning.data.translation.own_pictures.OwnPictures`.
    """

    def __init__(
        self,
        *,
        a: str | None = None,
        b: str | None = None,
        root: str | None = None,
        glued: str | None = None,
        swap: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        given = tuple(place is not None for place in (a, b, root, glued))
        if given not in ((True, True, False, False), (False, False, True, False), (False, False, False, True)):
            raise UserError(
                "data=pairs needs to know where the pictures are: data.a=... and data.b=... for two folders, or "
                "data.root=... for one folder with a/ and b/ in it, or data.glued=... for pairs glued side by side; "
                "and only one of the three"
            )
        self.places = {"a": a, "b": b, "root": root, "glued": glued}
        self.swap = swap

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The pairs of "train" or "test" that can be used, at the size asked for."""
        self.check()
        assert size is not None, "the resolution has a default"
        pixels = self._pixels(split, size)
        if not pixels.facts.count:
            raise NoSuchSplit(f"none of the pairs of {self._source} in the split {split!r} can be used")
        both = pixels.mapped(pixels.facts.channels)
        width = size[1]
        halves = zip((both[..., :width], both[..., width:]), self._channels_of_sides, strict=True)
        # a grey picture has three equal channels here if the other domain is coloured
        a, b = (Side(self.how.in_memory(half[:, :channels])) for half, channels in halves)
        return TwoSides(b, a) if self.swap else TwoSides(a, b)

    def fingerprint(self) -> str:
        """Fingerprint of the pictures of both domains by their names and sizes."""
        a, b = self._sides
        sides = {"both": a} if a is b else {"a": a, "b": b}
        return of_files((f"{domain}/{name}", size) for domain, each in sides.items() for name, size in each.sizes())

    def description(self) -> str:
        """Description of the pairs in a few words."""
        held_out = f"{self._needed['test'].facts.count:,}" if "test" in self._needed else "none"
        left_out = f", {len(self._unusable):,} left out that can't be used" if self._unusable else ""
        return f"{super().description()} from {self._source}, {held_out} more held out{left_out}"

    @cached_property
    def _sides(self) -> tuple[Pictures, Pictures]:
        """The picture files of each domain, which are the same object if both lie in one place."""
        if self.places["a"] is not None and self.places["b"] is not None:
            return Pictures(self.places["a"], "data.a"), Pictures(self.places["b"], "data.b")
        option = "root" if self.places["root"] is not None else "glued"
        pictures = Pictures(str(self.places[option]), f"data.{option}")
        return pictures, pictures

    @property
    def _source(self) -> str:
        return " and ".join(dict.fromkeys(side.place for side in self._sides))

    @cached_property
    def _pairs(self) -> dict[str, Pair]:
        """All pairs by name. The two files of a glued pair are the same."""
        a, b = self._sides
        if self.places["glued"] is not None:
            return {file: Pair(name_of(file), file, file) for file in a.names}
        if a is b:
            pairs = matched(*below(a.names, a.place), f"a/ in {a.place}", f"b/ in {a.place}")
        else:
            pairs = matched({name: name for name in a.names}, {name: name for name in b.names}, a.place, b.place)
        return {pair.name: pair for pair in pairs}

    @cached_property
    def _by_split(self) -> dict[str, list[str]]:
        """Names of the pairs by split, without a split that has none."""
        found = {}
        for split in ("train", "test"):
            try:
                found[split] = self.how.of_split(list(self._pairs), split)
            except NoSuchSplit:
                if split == "train":
                    raise
        return found

    def _pixels(self, split: str, size: tuple[int, int]) -> Pixels:
        """The pairs of a split, each as one picture of twice the width, with a on the left and b on the right."""
        if split not in self._by_split:
            self.how.of_split(list(self._pairs), split)  # raises NoSuchSplit with the reason
        files_a, files_b = self._sides
        glued = self.places["glued"] is not None

        def picture(name: str) -> Picture:
            pair = self._pairs[name]
            if glued:
                return decode_glued(files_a.files.read(pair.a), size, self.how.background)
            contents = files_a.files.read(pair.a), files_b.files.read(pair.b)
            return decode_pair(*contents, size, self.how.background)

        pairs = [(name, self._pairs[name]) for name in self._by_split[split]]
        states = {name: (p.a, files_a.states[p.a], p.b, files_b.states[p.b]) for name, p in pairs}
        kind = "glued" if glued else "pairs"
        return kept(kind, (size[0], 2 * size[1]), self.how.background, states, picture, self._source)

    @cached_property
    def _needed(self) -> Mapping[str, Pixels]:
        """The decoded pairs by split, at the size in which they are needed."""
        sizes = {"train": self._enlarged or self.resolution, "test": self.resolution}
        return {split: self._pixels(split, sizes[split]) for split in self._by_split}

    @cached_property
    def _unusable(self) -> Mapping[str, str]:
        """The reasons why pairs can't be used, by name."""
        return {name: why for each in self._needed.values() for name, why in each.facts.unreadable.items()}

    def check(self) -> None:
        """Refuse pictures without a partner, and those that can't be used unless they are to be left out."""
        if not self.how.skip_damaged:
            require_usable(self._unusable, "pair(s)", self._source)

    @cached_property
    def _channels_of_sides(self) -> tuple[int, int]:
        """Number of channels of each domain: 1 if all its pictures are grey, else 3."""
        grey = [True, True]
        for pixels in self._needed.values():
            if pixels.facts.channels == 3:
                both = pixels.mapped(3)
                halves = both.tensor_split(2, dim=3)
                grey = [each and _is_grey(half) for each, half in zip(grey, halves, strict=True)]
        return (1 if grey[0] else 3, 1 if grey[1] else 3)


def _is_grey(images: Tensor) -> bool:
    """Whether the three channels are equal in all images."""
    return all(bool((part[:, :1] == part).all()) for part in torch.split(images, AT_ONCE))
