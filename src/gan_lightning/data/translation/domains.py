"""Two folders of your own pictures, one for each domain, whose pictures are not paired."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from gan_lightning.data.fingerprint import of_files
from gan_lightning.data.pictures.decoding import Picture, decode
from gan_lightning.data.pictures.pixels import Pixels
from gan_lightning.data.translation.datamodule import UnpairedDataModule
from gan_lightning.data.translation.own_pictures import OwnPictures
from gan_lightning.data.translation.pictures import Pictures, kept, require_usable
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import NoSuchSplit, UserError


class Domains(OwnPictures, UnpairedDataModule):
    """Pictures of two domains, which may have unequal numbers of pictures, of any sizes.

    Args:
        a: Path of a folder or zip with the pictures of domain a.
        b: Path of a folder or zip with the pictures of domain b.
        options: The options of :class:`~gan_lightning.data.translation.own_pictures.OwnPictures`.
    """

    def __init__(self, *, a: str | None = None, b: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if a is None or b is None:
            raise UserError("data.a=... and data.b=... must say where the pictures of the two domains are")
        self.places = {"a": a, "b": b}

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        """The pictures of "train" or "test" that can be read, at the size asked for."""
        self.check()
        assert size is not None, "the resolution has a default"
        a, b = (self._side(domain, split, size) for domain in self.places)
        return TwoSides(a, b)

    def fingerprint(self) -> str:
        """Fingerprint of the pictures of both domains by their names and sizes."""
        sides = self._pictures.items()
        return of_files((f"{domain}/{name}", size) for domain, each in sides for name, size in each.sizes())

    def description(self) -> str:
        """Description of the pictures in a few words."""
        held_out = {domain: each["test"].facts.count if "test" in each else 0 for domain, each in self._needed.items()}
        left_out = f", {len(self._unreadable):,} left out that can't be read" if self._unreadable else ""
        return f"{super().description()}, {held_out['a']:,} and {held_out['b']:,} more held out{left_out}"

    def _side(self, domain: str, split: str, size: tuple[int, int]) -> Side:
        channels = 3 if any(each.facts.channels == 3 for each in self._needed[domain].values()) else 1
        pixels = self._pixels(domain, split, size)
        if not pixels.facts.count:
            raise NoSuchSplit(f"none of the pictures of {self._pictures[domain].place} in {split!r} can be read")
        return Side(self.how.in_memory(pixels.mapped(channels)))

    @cached_property
    def _pictures(self) -> Mapping[str, Pictures]:
        """The picture files of each domain."""
        return {domain: Pictures(place, f"data.{domain}") for domain, place in self.places.items()}

    def _pixels(self, domain: str, split: str, size: tuple[int, int]) -> Pixels:
        pictures = self._pictures[domain]

        def picture(name: str) -> Picture:
            return decode(pictures.files.read(name), size, self.how.background)

        states = {name: (pictures.states[name],) for name in self.how.of_split(pictures.names, split)}
        return kept("domain", size, self.how.background, states, picture, pictures.place)

    @cached_property
    def _needed(self) -> Mapping[str, Mapping[str, Pixels]]:
        """The decoded pictures by domain and split, at the size in which they are needed; empty splits are left out."""
        sizes = {"train": self._enlarged or self.resolution, "test": self.resolution}
        found: dict[str, dict[str, Pixels]] = {domain: {} for domain in self.places}
        for domain in self.places:
            for split, size in sizes.items():
                try:
                    found[domain][split] = self._pixels(domain, split, size)
                except NoSuchSplit:
                    if split == "train":
                        raise
        return found

    @cached_property
    def _unreadable(self) -> Mapping[str, str]:
        """The reasons why pictures can't be read, by domain and name."""
        return {
            f"{domain}/{name}": why
            for domain, splits in self._needed.items()
            for pixels in splits.values()
            for name, why in pixels.facts.unreadable.items()
        }

    def check(self) -> None:
        """Refuse pictures that can't be read, unless they are to be left out."""
        if not self.how.skip_damaged:
            places = " and ".join(pictures.place for pictures in self._pictures.values())
            require_usable(self._unreadable, "picture(s)", places)
