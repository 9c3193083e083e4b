"""What can be asked of a generator: single images with their sheets, and films of what lies between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from gan_lightning.generate.choice import Wanted
from gan_lightning.generate.films import FILMS, Tiles, enlarged
from gan_lightning.generate.neighbours import beside, nearest
from gan_lightning.generate.sampler import Sampler
from gan_lightning.generate.stills import STILLS
from gan_lightning.images import grid, save_png
from gan_lightning.progress import counted_images
from gan_lightning.types import Bytes


@runtime_checkable
class Product(Protocol):
    """Something to be written; all that can be wrong with it was found when it was made."""

    def write(self, folder: Path) -> tuple[list[str], dict[str, Any]]:
        """Draw and write it: what is said of each file, and what the record keeps."""
        ...


@dataclass(frozen=True)
class Stills:
    """Single images, and sheets of the first of them.

    Args:
        sampler: Draws them.
        wanted: All of them.
        format: A key of ``STILLS``.
        threads: That write.
        on_grid: How many stand on the sheet; 0 for none.
        columns: Of the sheet.
        training: What the first ``with_neighbours`` are compared with; None for no comparison.
        neighbours: Training images beside each.
        features: What "near" is measured by.
        with_neighbours: How many are compared.
        zoom: Pixels a side for each pixel of a sheet.
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
        """Images in the folder and sheets beside it, so that whoever reads the folder finds single images alone."""
        digits = len(str(max(each.seed for each in self.wanted)))
        said = [STILLS[self.format](folder, self._stream(), digits, self.threads)]
        record: dict[str, Any] = {}
        if self.on_grid:
            sheet = grid(enlarged(self._first(self.on_grid), self.zoom), self.columns)
            said.append(_save(sheet, _beside(folder, "grid")))
        if self.training is not None:
            samples = self._first(self.with_neighbours)
            indices, distances = nearest(samples, self.training, self.neighbours, self.features)
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
    """What lies between seeds or classes.

    Args:
        tiles: The frames of each row.
        format: A key of ``FILMS``.
        fps: Frames a second.
        zoom: Pixels a side for each pixel.
    """

    tiles: Tiles
    format: str
    fps: int
    zoom: int

    def write(self, folder: Path) -> tuple[list[str], dict[str, Any]]:
        """One file."""
        ending, write = FILMS[self.format]
        path = folder / f"interpolation.{ending}"
        write(path, enlarged(self.tiles, self.zoom), self.fps)
        rows, frames = self.tiles.shape[:2]
        return [f"{frames} frames of {rows} row(s) in {path}"], {"rows": rows, "frames": frames}


def _beside(folder: Path, what: str) -> Path:
    """A sheet of the images in a folder: ``fakes-grid.png`` for ``fakes``."""
    whole = Path(os.path.abspath(folder))  # one given as "." has a name, too
    return whole.with_name(f"{whole.name}-{what}.png")


def _save(sheet: Tensor, path: Path) -> str:
    save_png(sheet, path)
    return str(path)
