"""The data set of images that another program left as one array of bytes, in an ``.npy`` or an ``.npz``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_lightning.data.fingerprint import of_samples
from gan_lightning.data.pictures.files import Files
from gan_lightning.data.pictures.folder import Folder
from gan_lightning.errors import UserError

IMAGES = "images"
"""Name under which generate.py keeps images in an ``.npz``."""
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
            arrays = _arrays_in(path)
        except DAMAGED as error:
            reason = " ".join(str(error).split())
            raise UserError(f"data.file={path} can't be read as .npy or .npz: {reason}") from error
        images = arrays.pop(IMAGES)
        self.images = _channels_last(images, path)
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


def _arrays_in(path: Path) -> dict[str, NDArray[Any]]:
    """The images of a file, under the name ``images``, and those of its arrays that belong to classes.

    Raises:
        UserError: If the file has no array of images, or several that could be.
    """
    loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        kinds, arrays = {IMAGES: Kind(loaded.shape, loaded.dtype)}, {IMAGES: loaded}
    else:
        with loaded:
            kinds = kinds_in(path, loaded.files)
            name = images_among(kinds)
            wanted = {each: each for each in (*LABELS, NAMES) if each in kinds} | ({IMAGES: name} if name else {})
            arrays = {each: loaded[stored] for each, stored in wanted.items()}
    images = arrays.get(IMAGES)
    if images is None or not images.size or not Kind(images.shape, images.dtype).holds_images:
        raise UserError(
            f"data.file={path} has no array of images, which is uint8 [N, H, W], [N, H, W, C] or [N, C, H, W], and "
            f"called 'images' or the only one of its kind; it has {described(kinds)}"
        )
    return arrays


class Kind(NamedTuple):
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def holds_images(self) -> bool:
        """Whether it can be one of images: bytes with three or four dimensions."""
        return bool(self.dtype == np.uint8) and len(self.shape) in (3, 4)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def kinds_in(path: Path, names: Iterable[str]) -> dict[str, Kind]:
    """The kind of each array of an ``.npz``, read from its header alone, because an array may be large.

    Args:
        path: The ``.npz``.
        names: Names of the arrays.
    """
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in names:
            with archive.open(f"{name}.npy") as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(file)
                found[name] = Kind(shape, dtype)
    return found


def images_among(kinds: Mapping[str, Kind]) -> str | None:
    """Name of the array of images: ``images``, or else the only one that can hold images; None if there is none."""
    fitting = [name for name, kind in kinds.items() if kind.holds_images]
    return IMAGES if IMAGES in kinds else fitting[0] if len(fitting) == 1 else None


def described(kinds: Mapping[str, Kind]) -> str:
    """All arrays for a message, such as "x (uint8 [3, 28, 28]), y (int64 [3])"."""
    return ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "nothing"


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
