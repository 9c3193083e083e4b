"""The data set of your own pictures, of any size and kind, in a folder or a zip."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import torch

from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.fingerprint import of_files
from gan_lightning.data.image_set import ImageSet, class_indices
from gan_lightning.data.pictures.decoding import FORMAT, SUFFIXES, Picture, decode
from gan_lightning.data.pictures.files import Files, files_at, size_of
from gan_lightning.data.pictures.layout import NAMED, Layout, laid_out, listing, other_files
from gan_lightning.data.pictures.pixels import FACTS, Pixels, stored
from gan_lightning.data.pictures.reading import decoded
from gan_lightning.errors import NoSuchSplit, UserError


class DamagedPictures(UserError):
    """Some pictures cannot be read, and the user did not ask to leave them out."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{found}, or train on the others: data.skip_damaged=true")
        self.found = found
        """The message without the advice to train on the other pictures."""


class Folder(ImageDataModule):
    """The pictures in a folder or zip, cropped to the square in the middle and resized.

    They are decoded once and then kept in the cache. The folders right below ``root`` are classes; if there are none,
    the data have no labels (:mod:`gan_lightning.data.pictures.layout`).

    Args:
        root: The folder or zip.
        resolution: Side of the images in pixels.
        background: The colour that shows through transparent pixels.
        test_share: Share of the pictures that is held out of training as the split "test". Which ones these are follows
            from their names.
        skip_damaged: Whether pictures that cannot be read are left out, which otherwise end the run.
        in_memory_gb: Size beyond which a split is not loaded into memory but mapped from disk, for each process, in GB
            (10^9 bytes).
        options: The arguments of :class:`ImageDataModule`. If ``channels`` is None, images have 1 channel if all
            pictures are grey, and else 3.

    Raises:
        UserError: If ``root`` is None, or an argument has a value that is not possible.
    """

    def __init__(
        self,
        *,
        root: str | None = None,
        resolution: int = 64,
        background: Literal["white", "black"] = "white",
        test_share: float = 0.1,
        skip_damaged: bool = False,
        in_memory_gb: float = 4.0,
        **options: Any,
    ) -> None:
        if root is None:
            raise UserError("data.root=... must say where the pictures are: a folder or a zip")
        if not 0 <= test_share < 1:
            raise UserError(f"data.test_share={test_share} must be at least 0 and less than 1")
        super().__init__(resolution=resolution, **options)
        self.root = Path(root).expanduser().resolve()
        self.side = resolution
        self.background = background
        self.test_share = test_share
        self.skip_damaged = skip_damaged
        self.in_memory_gb = in_memory_gb

    def prepare_data(self) -> None:
        """Decode the pictures, unless they are in the cache already.

        Raises:
            UserError: If there are no pictures, some cannot be read, or their folders make no sense.
        """
        _ = self._pixels

    def load(self, split: str) -> ImageSet:
        """The pictures of "train" or "test" that could be read, in an order that mixes the classes.

        Raises:
            NoSuchSplit: If the split has no pictures.
        """
        layout, pixels = self._layout, self._pixels
        readable = [i for i, name in enumerate(layout.names) if name not in pixels.facts.unreadable]
        border = sum(i < layout.num_train for i in readable)
        rows = slice(border) if split == "train" else slice(border, None)
        if not readable[rows]:
            raise NoSuchSplit(
                f"data.root={self.root} has no pictures {'to train on' if split == 'train' else 'to test with'}: "
                f"data.test_share={self.test_share} holds out {len(readable) - border:,} of {len(readable):,}"
            )
        images = pixels.mapped(self._channels or pixels.facts.channels)[rows]
        if images.nbytes <= self.in_memory_gb * 1e9:
            images = images.clone()
        labels = torch.tensor([layout.labels[i] for i in readable[rows]])
        return ImageSet(images, labels if layout.class_names else None, layout.class_names)

    def fingerprint(self) -> str:
        """Fingerprint of all pictures, those held out included, by their names below ``root`` and their sizes."""
        layout = self._layout
        return of_files((name.removeprefix(layout.around), size_of(self._states[name])) for name in layout.names)

    def chosen(self, data: ImageSet) -> ImageSet:
        """All images, because only pictures of the classes that were asked for have been decoded."""
        return data

    def description(self) -> str:
        """A few words on the data, for the line that a run prints at its start."""
        held_out, unreadable = self._layout.names[self._layout.num_train :], self._pixels.facts.unreadable
        parts = [f"{super().description()} from {self.root}"]
        parts.append(f"{sum(name not in unreadable for name in held_out):,} more held out")
        if unreadable:
            parts.append(f"{len(unreadable):,} left out that can't be read")
        if self.class_names:
            parts.append(f"{self.num_classes} classes ({listing(self.class_names)})")
        if self.num_images < self.batch_size:
            parts.append("fewer images than a batch, which shows some of them again")
        return ", ".join(parts)

    @cached_property
    def _files(self) -> Files:
        return files_at(self.root)

    @cached_property
    def _states(self) -> dict[str, str]:
        return self._files.listed()

    @cached_property
    def _layout(self) -> Layout:
        layout = laid_out(self._states, self.test_share)
        if not layout.names:
            raise UserError(
                f"data.root={self.root} has no pictures, but {other_files(self._states) or 'nothing at all'}: "
                f"the name of a picture ends in {', '.join(SUFFIXES)}"
            )
        return layout if self._classes is None else layout.only(class_indices(layout.class_names, self._classes))

    @cached_property
    def _pixels(self) -> Pixels:
        names = self._layout.names
        contents = (FORMAT, self.side, self.background, [(name, self._states[name]) for name in names])
        key = blake2b(repr(contents).encode(errors="surrogateescape"), digest_size=12).hexdigest()
        pixels = stored(key, self.side, len(names), self._decoded)
        unreadable = sorted(f"{name} ({reason})" for name, reason in pixels.facts.unreadable.items())
        if unreadable and not self.skip_damaged:
            raise DamagedPictures(
                f"{len(unreadable):,} picture(s) in data.root={self.root} can't be read: {listing(unreadable)}. "
                + (f"All of them stand in {pixels.folder / FACTS}. " if len(unreadable) > NAMED else "")
                + "Mend or remove them"
            )
        return pixels

    def _decoded(self) -> Iterator[tuple[str, Picture | str]]:
        names, threads, start = self._layout.names, torch.get_num_threads(), time.monotonic()
        others = other_files(self._states)
        print(
            f"reading {len(names):,} pictures from {self.root} at {self.side} x {self.side} pixels, "
            f"{threads} at a time" + (f"; other files are left alone ({others})" if others else ""),
            flush=True,
        )

        def picture(name: str) -> Picture:
            return decode(self._files.read(name), resolution=self.side, background=self.background)

        yield from decoded(names, picture, threads)
        print(f"read in {time.monotonic() - start:.1f} s; the next run finds them in the cache", flush=True)
