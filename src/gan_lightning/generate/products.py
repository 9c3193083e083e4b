"""The products of ``generate.py``: single images with their sheets, and films of interpolations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from gan_lightning.generate.films import FILMS, Tiles, enlarged
from gan_lightning.generate.nearest_images import beside, nearest_images
from gan_lightning.generate.sampler import Sampler
from gan_lightning.generate.seeds_and_classes import Wanted
from gan_lightning.generate.stills import STILLS
from gan_lightning.images import grid, save_png
from gan_lightning.progress import counted_images
from gan_lightning.types import Bytes


@runtime_checkable
class Writable(Protocol):
    """Something that can be written to a folder; mistakes in what was asked for were found when it was made."""

    def write(self, folder: Path) -> tuple[list[str], dict[str, Any]]:
        """Draw and write it; returns a line of text for each file, and the facts for the record."""
        ...


@dataclass(frozen=True)
class Stills:
    """Single images, a sheet of the first of them, and a sheet of some of them beside training images.

    Args:
        sampler: Draws the images.
        wanted: Seeds and classes of all images.
        format: A key of ``STILLS``.
        threads: Number of threads that write files.
        on_grid: Number of images on the sheet; 0 for no sheet.
        columns: Number of columns of the sheet.
        training: Training images with which the first ``with_neighbours`` images are compared, or None for no
            comparison.
        neighbours: Number of training images beside each.
        features: The function from images to vectors between which distances are measured.
        with_neighbours: Number of images that are compared.
        zoom: Side in pixels with which each pixel is shown on a sheet.
    """

    sampler: Sampler
    wanted: Sequence[Wanted]
    format: str
    threads: int
    on_grid: int
    columns: int
    training: Bytes | None
    neighbours: int
    features: Callable[[Bytes], Tensor]
    with_neighbours: int
    zoom: int

    def write(self, folder: Path) -> tuple[list[str], dict[str, Any]]:
        """Write images to the folder and sheets beside it, so that the folder holds nothing but single images."""
        digits = len(str(max(each.seed for each in self.wanted)))
        said = [STILLS[self.format](folder, self._stream(), digits, self.threads)]
        record: dict[str, Any] = {}
        if self.on_grid:
            sheet = grid(enlarged(self._first(self.on_grid), self.zoom), self.columns)
            said.append(_save(sheet, _beside(folder, "grid")))
        if self.training is not None:
            samples = self._first(self.with_neighbours)
            indices, distances = nearest_images(samples, self.training, self.neighbours, self.features)
            pairs = enlarged(beside(samples, self.training, indices), self.zoom)
            said.append(_save(grid(pairs, self.neighbours + 1), _beside(folder, "neighbours")))
            record["neighbours"] = [
                {**each._asdict(), "indices": i, "distances": d}
                for each, i, d in zip(self.wanted, indices.tolist(), distances.tolist(), strict=False)
            ]
        return said, record

    def _stream(self) -> Iterator[tuple[Sequence[Wanted], Bytes]]:
        size = self.sampler.batch_size
        batches = counted_images(self.sampler.draw(self.wanted), len(self.wanted), "images", report=True)
        for start, images in enumerate(batches):
            yield self.wanted[start * size : (start + 1) * size], images

    def _first(self, count: int) -> Bytes:
        return torch.cat(list(self.sampler.draw(self.wanted[:count])))


@dataclass(frozen=True)
class Film:
    """An interpolation between seeds or classes or the sheets of a training, as a strip or a film.

    Args:
        tiles: The frames of each row.
        format: A key of ``FILMS``.
        fps: Frames per second.
        zoom: Side in pixels with which each pixel is shown.
        name: Name of the file without its ending.
    """

    tiles: Tiles
    format: str
    fps: int
    zoom: int
    name: str = "interpolation"

    def write(self, folder: Path) -> tuple[list[str], dict[str, Any]]:
        """Write the frames to one file in the folder."""
        ending, write = FILMS[self.format]
        path = folder / f"{self.name}.{ending}"
        write(path, enlarged(self.tiles, self.zoom), self.fps)
        rows, frames = self.tiles.shape[:2]
        return [f"{frames} frames of {rows} row(s) in {path}"], {"rows": rows, "frames": frames}


def _beside(folder: Path, what: str) -> Path:
    """The file of a sheet, beside the folder whose images it shows: ``fakes-grid.png`` for ``fakes``."""
    whole = Path(os.path.abspath(folder))  # so that a folder given as "." has a name too
    return whole.with_name(f"{whole.name}-{what}.png")


def _save(sheet: Tensor, path: Path) -> str:
    save_png(sheet, path)
    return str(path)
