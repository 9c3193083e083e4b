"""The data of a run that is over, from the configuration that it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gan_lightning.config.trust import build_trusted
from gan_lightning.data.datamodule import ImageDataModule
from gan_lightning.data.stream import StreamDataModule
from gan_lightning.errors import UserError


def images_of_run(config: Mapping[str, Any], changes: Mapping[str, Any], allow: Sequence[str] = ()) -> ImageDataModule:
    """As :func:`data_of_run`, of a run whose data must be images.

    Raises:
        UserError: They are not, or see there.
    """
    data = data_of_run(config, changes, allow)
    if not isinstance(data, ImageDataModule):
        raise UserError(f"{type(data).__name__} has no images: this can be done for runs on images only.")
    return data


def data_of_run(config: Mapping[str, Any], changes: Mapping[str, Any], allow: Sequence[str] = ()) -> StreamDataModule:
    """What a run was trained on.

    Args:
        config: The run's resolved configuration.
        changes: Of its data, such as where the files lie now.
        allow: Modules of the user's own that the configuration may name.

    Raises:
        UserError: It has no such option, or the data can't be read.
    """
    node = dict(config["data"])
    for name in changes:
        if name not in node or name.startswith("_"):
            options = ", ".join(f"data.{known}" for known in node if not known.startswith("_"))
            raise UserError(f"There is no option 'data.{name}'; this run's data have {options}.")
    data = build_trusted({**node, **changes}, allow)
    if not isinstance(data, StreamDataModule):
        raise UserError(f"data: {type(data).__name__} is nothing that can be trained on.")
    data.prepare_data()
    return data
