"""How the paths of pictures decide on their classes and on which of them are held out of training."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from gan_lightning.data.class_names import in_order
from gan_lightning.data.pictures.decoding import SUFFIXES
from gan_lightning.errors import UserError

SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}
NAMED = 20
"""Largest number of files that a message names; if there are more, it says how many."""


@dataclass(frozen=True)
class Layout:
    """Pictures in the order in which they are stored, with their classes mixed.

    The training pictures come first, those held out of training last.

    Args:
        names: Path of each picture in its folder or zip.
        labels: Class of each picture as an index of ``class_names``; all are 0 if there are no classes.
        class_names: Names of the classes, numbers first and by their size; empty if there are no class folders.
        num_train: Number of training pictures.
        around: Beginning of all paths, up to the last folder around all pictures; it has no part in what is held out.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    num_train: int
    around: str = ""

    def only(self, classes: Sequence[int]) -> Layout:
        """The pictures of some classes, which are renumbered in the order given."""
        new = {old: label for label, old in enumerate(classes)}
        kept = [i for i, label in enumerate(self.labels) if label in new]
        return Layout(
            tuple(self.names[i] for i in kept),
            tuple(new[self.labels[i]] for i in kept),
            tuple(self.class_names[i] for i in classes),
            sum(i < self.num_train for i in kept),
            self.around,
        )


def laid_out(names: Iterable[str], test_share: float) -> Layout:
    """The layout of the pictures among some files, which are recognised by the ends of their names.

    The first folder on the path of a picture is its class, which the folders below it share. A folder around all
    pictures, which a zip often has, does not count. Pictures without a folder have no class.

    Args:
        names: Paths of the files.
        test_share: Share of the pictures that is held out of training.

    Raises:
        UserError: If pictures lie beside class folders, or the folders are splits and not classes.
    """
    pictures = [name for name in names if is_picture(name)]
    prefix = folder_around(pictures)
    around = len(prefix)
    order = sorted(pictures, key=lambda name: place(name[around:]), reverse=True)
    folders = [composed(name[around:].rpartition("/")[0].partition("/")[0]) for name in order]
    class_names = in_order(set(folders) - {""})
    loose = sorted(name for name, folder in zip(order, folders, strict=True) if not folder)
    if class_names and loose:
        raise UserError(
            f"{len(loose):,} picture(s) lie beside the folders {listing(class_names)}, which are taken for classes: "
            f"{listing(loose)}. Put each of them into the folder of its class; or, to train without classes, put all "
            "pictures into one folder."
        )
    if class_names and {name.lower() for name in class_names} <= SPLITS:
        raise UserError(
            f"The folders {listing(class_names)} are splits and would be taken for classes: let data.root be the one "
            f"to train on, such as {order[0][:around]}{class_names[-1]}. data.test_share holds a part of it out."
        )
    number = {name: label for label, name in enumerate(class_names)}
    num_train = sum(place(name[around:]) >= test_share for name in order)
    return Layout(tuple(order), tuple(number.get(folder, 0) for folder in folders), class_names, num_train, prefix)


def folder_around(names: Iterable[str]) -> str:
    """What all paths begin with, up to the last folder that they share, such as the one that a zip was made of."""
    common = os.path.commonprefix(list(names))  # noqa: RUF071 (cut at the last whole folder)
    return common[: common.rfind("/") + 1]


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture, by the end of its name."""
    return name.lower().endswith(SUFFIXES)


def place(name: str) -> float:
    """A number in [0, 1] that seems random and follows from the picture's path alone; the lowest are held out."""
    digest = blake2b(composed(name).encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def composed(name: str) -> str:
    """A name as every system writes it, because macOS writes an é as two characters."""
    return unicodedata.normalize("NFC", name)


def other_files(names: Iterable[str]) -> str:
    """How many files of each kind are no pictures, such as ".heic 30, .txt 1"; empty if there are none."""
    rest = [os.path.basename(name) for name in names if not is_picture(name)]
    kinds = Counter(os.path.splitext(name)[1].lower() or name for name in rest)
    return listing([f"{kind} {count:,}" for kind, count in kinds.most_common()])


def listing(names: Sequence[str]) -> str:
    """The first names, in a form that can be printed, and the number of the others."""
    shown = ", ".join(name.encode(errors="backslashreplace").decode() for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED:,} more"
