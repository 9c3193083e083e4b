"""Writes single images to files as they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np

from gan_lightning.generate.seeds_and_classes import Wanted
from gan_lightning.images import save_png
from gan_lightning.types import Bytes

ARRAYS = "images.npz"

Stream: TypeAlias = Iterable[tuple[Sequence[Wanted], Bytes]]
"""Batches of images, each with the seeds and classes that it shows."""


def write_pngs(folder: Path, stream: Stream, digits: int, threads: int) -> str:
    """Write a PNG for each image, named by seed and class; returns a line that says what was written.

    Threads compress one batch while the next is drawn, because zlib releases Python's lock.
    """
    count, waiting = 0, list[Future[None]]()
    with ThreadPoolExecutor(threads) as pool:
        for wanted, images in stream:
            _settle(waiting)
            files = [folder / f"{each.name(digits)}.png" for each in wanted]
            waiting = [pool.submit(save_png, image, file) for image, file in zip(images, files, strict=True)]
            count += len(files)
        _settle(waiting)
    return f"{count:,} PNG in {folder}"


def write_npz(folder: Path, stream: Stream, digits: int, threads: int) -> str:
    """Write one file: images uint8 [N H W C], seeds [N] and, if the generator takes labels, these and names [N]."""
    batches = list(stream)
    wanted = [each for batch, _ in batches for each in batch]
    arrays = {
        "images": np.concatenate([images.permute(0, 2, 3, 1).numpy() for _, images in batches]),
        "seeds": np.array([each.seed for each in wanted]),
    }
    if wanted[0].label is not None:
        arrays["labels"] = np.array([each.label for each in wanted])
        arrays["class_names"] = np.array([each.class_name for each in wanted])
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # its stubs take no dict of arrays
    return f"{len(wanted):,} images in {folder / ARRAYS}"


def _settle(writing: Iterable[Future[None]]) -> None:
    for future in writing:
        future.result()


STILLS: Mapping[str, Callable[[Path, Stream, int, int], str]] = {"png": write_pngs, "npz": write_npz}
"""Functions that write images, by the name of the format.

They are called with the folder, the images, the number of digits of a seed and the number of threads.
"""
