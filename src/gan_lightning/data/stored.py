"""The data of an earlier run, rebuilt from the configuration that the run stored."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from gan_lightning.config.places import without_downloads
from gan_lightning.config.trust import build_trusted
from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.stream import StreamDataModule
from gan_lightning.errors import UserError

NAMED = 10
"""Largest number of classes that a message names."""


def images_of_run(config: Mapping[str, Any], changes: Mapping[str, Any], allow: Sequence[str] = ()) -> ImageDataModule:
    """The images that a run was trained on; the arguments are those of :func:`data_of_run`.

    Raises:
        UserError: If the run's data are no images, or :func:`data_of_run` raises it.
    """
    data = data_of_run(config, changes, allow)
    if not isinstance(data, ImageDataModule):
        raise UserError(f"{type(data).__name__} has no images: this can be done for runs on images only.")
    return data


def data_of_run(config: Mapping[str, Any], changes: Mapping[str, Any], allow: Sequence[str] = ()) -> StreamDataModule:
    """The data that a run was trained on; missing files are downloaded only if the changes say ``download``.

    Args:
        config: The run's resolved configuration.
        changes: Options of the data that are to have other values now, such as the place of the files.
        allow: Modules of the user's own that the configuration may name.

    Raises:
        UserError: If the data have no option of a name in ``changes``, or cannot be read.
    """
    node = dict(config["data"])
    for name in changes:
        if name not in node or name.startswith("_"):
            options = ", ".join(f"data.{known}" for known in node if not known.startswith("_"))
            raise UserError(f"There is no option 'data.{name}'; this run's data have {options}.")
    data = build_trusted({**without_downloads(node), **changes}, allow)
    if not isinstance(data, StreamDataModule):
        raise UserError(f"data: {type(data).__name__} is nothing that can be trained on.")
    data.prepare_data()
    return data


def require_same_classes(now: Sequence[str], trained: Sequence[str] | None) -> None:
    """Refuse data with other classes than a run was trained on.

    Args:
        now: The names of the classes in the order of their labels.
        trained: Those of the run; None if it did not store them.

    Raises:
        UserError: If they are not the same; the message has both.
    """
    if trained is not None and list(map(_composed, now)) != list(map(_composed, trained)):
        raise UserError(
            f"Of this run the classes were {_listed(trained)}; now there are {_listed(now)}. Give it the data that it "
            "was trained on; on others a new run can start from its weights, init_from=RUN_FOLDER."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(map(str, names[:NAMED]))}{more}" if names else "none"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", str(name))  # macOS writes an é as two characters
