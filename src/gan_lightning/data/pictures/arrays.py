"""The data set of images that another program left as one array of bytes, in an ``.npy`` or an ``.npz``."""

from __future__ import annotations

import zipfile
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_lightning.data.fingerprint import of_samples
from gan_lightning.data.pictures.files import Files
from gan_lightning.data.pictures.folder import Folder
from gan_lightning.errors import UserError

LABELS = ("labels", "label", "y")
"""Names under which programs keep labels."""
NAMES = "class_names"
"""Name of an array of the classes' names: one for each class or one for each image."""
CHANNELS = (1, 3, 4)
"""Numbers of channels of grey and coloured images, and of coloured ones with transparency."""
DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)
"""Errors that numpy raises for files that are not as it wrote them."""


class ArrayFiles:
    """The images of an array, each as if it were a picture in the folder of its class.

    Args:
        path: The ``.npy``, which is mapped from disk, or the ``.npz``, which is read into memory.

    Raises:
        UserError: If the file can't be read, or holds no array of images.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            loaded = np.load(path, mmap_mode="r", allow_pickle=False)
            arrays = {"images": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded}
        except DAMAGED as error:
            reason = " ".join(str(error).split())
            raise UserError(f"data.file={path} can't be read as .npy or .npz: {reason}") from error
        self.images = _channels_last(_images_in(arrays, path), path)
        self.labels, self.class_names = _classes_in(arrays, len(self.images), path)

    def listed(self) -> dict[str, str]:
        """A path for each image, such as "horse/00042.png", and a text that changes when the file does."""
        state, count = self.path.stat(), len(self.images)
        changes, digits = f"{state.st_size} {state.st_mtime_ns}", len(str(count - 1))
        folders = [""] * count if self.labels is None else [f"{self.class_names[label]}/" for label in self.labels]
        return {f"{folder}{i:0{digits}d}.png": changes for i, folder in enumerate(folders)}

    def read(self, name: str) -> bytes:
        """An image as a PNG."""
        image = self.images[int(name.rpartition("/")[2].removesuffix(".png"))]
        pixels = image[..., 0] if image.shape[-1] == 1 else image
        content = BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(content, "PNG", compress_level=1)
        return content.getvalue()


class Array(Folder):
    """The images of one array of bytes, uint8 [N H W], [N H W C] or [N C H W] with 1, 3 or 4 channels.

    An ``.npz`` has it under the name ``images``, or as its only array of bytes with three or four dimensions, and may
    have ``labels`` [N] and ``class_names``. Each image is cropped to the square in the middle and resized as a picture
    is, kept in the cache, and mapped from there if it is large.

    Args:
        file: The ``.npy`` or ``.npz``.
        resolution: Side of the images in pixels; None takes the array's shorter side.
        options: The arguments of :class:`~gan_lightning.data.pictures.folder.Folder`.

    Raises:
        UserError: If ``file`` is None, or holds no array of images.
    """

    def __init__(self, *, file: str | None = None, resolution: int | None = None, **options: Any) -> None:
        if file is None:
            raise UserError("data.file=... must say where the images are: an .npy or .npz")
        path = Path(file).expanduser().resolve()
        self._rows = ArrayFiles(path)
        side = min(self._rows.images.shape[1:3]) if resolution is None else resolution
        super().__init__(root=str(path), resolution=side, **options)

    @cached_property
    def _files(self) -> Files:
        return self._rows

    def fingerprint(self) -> str:
        """Fingerprint of the training images, because the rows of an array have no names to tell them by."""
        return of_samples(self.train_set.images, self.train_set.labels)


def _images_in(arrays: dict[str, NDArray[Any]], path: Path) -> NDArray[np.uint8]:
    """The array of images among those of a file.

    Raises:
        UserError: If there is none, or it can't be told from others.
    """
    fitting = [name for name, each in arrays.items() if each.dtype == np.uint8 and each.ndim in (3, 4)]
    name = "images" if "images" in arrays else next(iter(fitting), None)
    if name is None or (name != "images" and len(fitting) > 1) or name not in fitting or not arrays[name].size:
        has = ", ".join(f"{each} ({found.dtype} {list(found.shape)})" for each, found in arrays.items()) or "nothing"
        raise UserError(
            f"data.file={path} has no array of images, which is uint8 [N, H, W], [N, H, W, C] or [N, C, H, W], and "
            f"called 'images' or the only one of its kind; it has {has}"
        )
    found: NDArray[np.uint8] = arrays[name]
    return found


def _channels_last(images: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """The images [N H W C] of an array with the channels last, first or left out.

    Raises:
        UserError: If no dimension can be that of the channels.
    """
    if images.ndim == 3:
        return images[..., None]
    if images.shape[3] in CHANNELS:
        return images
    if images.shape[1] in CHANNELS:
        return images.transpose(0, 2, 3, 1)
    raise UserError(f"data.file={path} has images {list(images.shape)}: 1, 3 or 4 channels are needed, first or last")


def _classes_in(arrays: dict[str, NDArray[Any]], count: int, path: Path) -> tuple[list[int] | None, list[str]]:
    """The label of each image, or None if there are none, and the names of the classes, which may be their numbers.

    Raises:
        UserError: If labels or names don't fit the images.
    """
    name = next((each for each in LABELS if each in arrays), None)
    if name is None:
        return None, []
    labels = arrays[name].reshape(-1)
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise UserError(
            f"data.file={path}: {name} must be {count} whole numbers from 0 on, not {labels.dtype} {list(labels.shape)}"
        )
    names = [str(label) for label in range(int(labels.max()) + 1)]
    if NAMES in arrays:
        given = [str(each).replace("/", "_") for each in arrays[NAMES].reshape(-1)]
        if len(given) == count and count > len(names):  # one for each image, as generate.py writes them
            by_label = dict(zip(labels.tolist(), given, strict=True))
            given = [by_label.get(label, name) for label, name in enumerate(names)]
        if len(given) < len(names):
            last = len(names) - 1
            raise UserError(f"data.file={path}: {NAMES} has {len(given)} names, and the labels go up to {last}")
        names = given
    return labels.tolist(), names
