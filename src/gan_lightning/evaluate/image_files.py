"""Images given as files: pictures in a folder or zip, or one array of bytes in an ``.npz`` as generate.py writes it."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gan_lightning.data import ImageDataModule
from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.pictures.arrays import Kind, described, images_among, kinds_in
from gan_lightning.data.pictures.decoding import SUFFIXES
from gan_lightning.data.pictures.files import files_at
from gan_lightning.data.pictures.folder import DamagedPictures, Folder
from gan_lightning.errors import NoSuchSplit, UserError
from gan_lightning.generate.stills import ARRAYS
from gan_lightning.types import Bytes

DAMAGED = (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error)
"""Errors that numpy raises for files that are not as it wrote them."""


class Arrays(ImageDataModule):
    """The images of an ``.npz``, which must have the right size already.

    Args:
        path: The ``.npz`` file.
        resolution: Number of pixels along each side that the images must have.
        options: Further options of :class:`ImageDataModule`.
    """

    def __init__(self, *, path: Path, resolution: int, **options: Any) -> None:
        super().__init__(resolution=resolution, **options)
        self.path = path
        self.side = resolution

    def load(self, split: str) -> ImageSet:
        """All images of the file, which are its split "train".

        Raises:
            NoSuchSplit: If another split is asked for.
            UserError: If the images can't be read, or have another size.
        """
        if split != "train":
            raise NoSuchSplit(f"{self.path} has no split {split!r}")
        images = array_at(self.path)
        if images.shape[2] != self.side:
            raise UserError(
                f"{self.path} holds images of {images.shape[2]} pixels a side, and {self.side} are measured: "
                "resize them, or give them as picture files"
            )
        return ImageSet(images, None, ())


def images_at(path: Path, resolution: int, channels: int | None = None) -> ImageDataModule:
    """The images in a folder, zip or ``.npz`` as a datamodule that is prepared.

    Args:
        path: The folder, zip or ``.npz``.
        resolution: Number of pixels along each side of the images.
        channels: Number of channels of the images; None takes that of the files.

    Raises:
        UserError: If there are no images, or some of them can't be read.
    """
    common: dict[str, Any] = {"resolution": resolution, "channels": channels, "batch_size": 1}
    array = array_of(path)
    data: ImageDataModule = (
        Folder(root=str(path), test_share=0.0, **common) if array is None else Arrays(path=array, **common)
    )
    try:
        data.prepare_data()
    except DamagedPictures as error:
        raise UserError(f"{error.found}: what is left would be measured as if it were all.") from error
    return data


def array_of(path: Path) -> Path | None:
    """The ``.npz`` file that ``path`` is or that generate.py left in the folder ``path``; None if there is none.

    Raises:
        UserError: If the folder holds pictures too, because one of the two would be ignored.
    """
    if path.suffix == ".npz":
        return path
    if not (inside := path / ARRAYS).is_file():
        return None
    if pictures := _pictures_in(path):
        raise UserError(f"{path} has {ARRAYS} and {len(pictures):,} picture files: give {inside}, or move it.")
    return inside


def array_at(path: Path) -> Bytes:
    """The images of an ``.npz`` file, which are uint8 [N H W C] there, as [N C H W].

    They are the array ``images``, or else the only array of bytes, whatever its name: other programs write ``arr_0``.

    Raises:
        UserError: If the file is damaged, or holds something else.
    """
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path} is no .npz: its end is missing, or something else is called so.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            kinds = kinds_in(path, arrays.files)
            name = images_among(kinds)
            if name is None:
                raise UserError(
                    f"{path} has no array 'images' and not one array of uint8 in its place, but {described(kinds)}."
                )
            images = arrays[name]
    except DAMAGED as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} can't be read: {reason}") from error
    shape = images.shape
    square = images.ndim == 4 and shape[1] == shape[2] and shape[3] in (1, 3) and images.size > 0
    if images.dtype != np.uint8 or not square:
        raise UserError(f"{path}: {name} must be uint8 [N, side, side, 1 or 3], not {Kind(shape, images.dtype)}")
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def side_of(path: Path) -> int:
    """Number of pixels along the shorter side of the first image in a folder, zip or ``.npz``.

    Raises:
        UserError: If there is no image, or the first one can't be read.
    """
    if (array := array_of(path)) is not None:
        return min(array_at(array).shape[2:])
    if not (names := _pictures_in(path)):
        raise UserError(f"{path} has no pictures to measure, and is no run folder (it has no checkpoints/).")
    try:
        return min(Image.open(BytesIO(files_at(path).read(names[0]))).size)
    except OSError as error:
        raise UserError(f"{names[0]} in {path} can't be read: {error}.") from error


def _pictures_in(path: Path) -> list[str]:
    return sorted(name for name in files_at(path).listed() if Path(name).suffix.lower() in SUFFIXES)
