"""Facts that a run finds out before it begins: its devices, the facts of its data, and how long it trains.

Each function is given only the options that it needs, and changes none of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from gan_lightning.config.instantiate import build
from gan_lightning.data import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import Devices, resolve_devices

PRECISIONS = (None, "32-true", "32", 32, "bf16-mixed", "bf16", "16-mixed", "16", 16)


NOTHING_IF_ZERO = ("max_steps", "max_epochs", "limit_train_batches")
"""Options of the Trainer that leave nothing to train if they are zero."""
MOST_REPEATS = 100
"""How often a batch may hold each image; 1,024 images are always allowed, for data of a few."""


def settled_devices(trainer: Mapping[str, Any], batch_size: int) -> Devices:
    """The processes and devices that a run gets.

    Args:
        trainer: The options of the Trainer.
        batch_size: Number of real images in one D update, over all processes.

    Raises:
        UserError: If the devices are missing, can't share the batch equally, or can't do what the options ask for.
    """
    devices = resolve_devices(trainer["accelerator"], trainer["devices"], trainer["num_nodes"])
    check_trainer(trainer, devices)
    if batch_size % devices.world_size:
        raise UserError(
            f"data.batch_size={batch_size} is the global batch and can't be shared by {devices.world_size} processes "
            "equally."
        )
    return devices


def check_trainer(node: Mapping[str, Any], devices: Devices) -> None:
    """Refuse options of the Trainer that would fail late or be ignored on these devices.

    Args:
        node: The options of the Trainer.
        devices: The processes and devices of the run.

    Raises:
        UserError: If there is such an option; the message names it and the way out.
    """
    if node.get("strategy", "auto") not in ("auto", "gan"):
        raise UserError(
            f"trainer.strategy={node['strategy']} can't train two players in one module; leave it at auto: several "
            "devices then average the stepping player's gradients in one all-reduce."
        )
    if node.get("precision", "32-true") not in PRECISIONS:
        raise UserError(f"trainer.precision={node['precision']} is not one of {', '.join(map(str, PRECISIONS))}.")
    if node.get("log_every_n_steps", 1) < 1:
        raise UserError(f"trainer.log_every_n_steps={node['log_every_n_steps']}: give at least 1.")
    on_cpu = devices.accelerator == "cpu"
    if on_cpu and node.get("precision") in ("16-mixed", "16", 16, "16-true"):
        raise UserError(f"trainer.precision={node['precision']} needs a GPU; use bf16-mixed or 32-true on a CPU.")
    if on_cpu and node.get("sync_batchnorm"):
        raise UserError("trainer.sync_batchnorm=true needs GPUs; running statistics are averaged anyway.")


def build_data(node: Mapping[str, Any]) -> StreamDataModule:
    """The datamodule that a ``data`` node describes, with its training set loaded.

    Raises:
        UserError: If the node does not describe a StreamDataModule, or its files can't be read.
    """
    data = build(node, "data")
    if not isinstance(data, StreamDataModule):
        raise UserError(f"data._target_={node['_target_']} is no StreamDataModule, such as an ImageDataModule.")
    data.prepare_data()
    data.setup("fit")
    if data.batch_size > max(1024, MOST_REPEATS * data.num_images):
        raise UserError(
            f"data.batch_size={data.batch_size:,} is far beyond the {data.num_images:,} training images: a batch would "
            f"hold each of them {data.batch_size // data.num_images:,} times. Give fewer."
        )
    return data


def facts_of(data: StreamDataModule) -> dict[str, Any]:
    """The facts of the data by name, such as their channels, as values that a configuration can hold."""
    values = {fact: getattr(data, fact) for fact in data.FACTS}
    return {fact: list(value) if isinstance(value, tuple) else value for fact, value in values.items()}


def require_agreement(model: DictConfig, facts: Mapping[str, Any]) -> None:
    """Refuse a network whose configuration states a fact about the data that is not true of them.

    Raises:
        UserError: If there is such a network; the message names the option.
    """
    networks = {str(name): node for name, node in model.items() if isinstance(node, DictConfig)}
    for name, node in networks.items():
        for fact, found in facts.items():
            if node.get(fact) is not None and node[fact] != found:
                raise UserError(
                    f"model.{name}.{fact}={node[fact]}, but the data have {found}. "
                    f"Leave it out, or change the data: data.{fact}={node[fact]}."
                )


def budget(
    trainer: Mapping[str, Any], kimg: float | None, default_kimg: float, images: int, iterations_per_epoch: int
) -> dict[str, Any]:
    """The options that say how long a run trains, in iterations as well as in thousands of images.

    If no budget is given at all, it is ``default_kimg``. If iterations or epochs are given, ``kimg`` becomes what they
    amount to, because schedules that span the whole run refer to it.

    Args:
        trainer: The options of the Trainer.
        kimg: The budget in thousands of real images, or None if the budget was not given in images.
        default_kimg: The budget in thousands of real images if none is given.
        images: Number of real images in one iteration.
        iterations_per_epoch: Number of iterations in which every real image is shown once.

    Returns:
        The values of the options, by their full names.

    Raises:
        UserError: If the budget is not positive.
    """
    for name in NOTHING_IF_ZERO:
        if trainer.get(name) == 0 and not isinstance(trainer[name], bool):
            raise UserError(f"trainer.{name}={trainer[name]} trains nothing: give more, or leave it out.")
    if (time := trainer.get("max_time")) is not None and not re.search("[^0:. ]", str(time)):
        raise UserError(f"trainer.max_time={time} trains nothing: give more, or leave it out.")
    most = trainer.get("max_steps", -1)
    unlimited = most in (-1, None)
    others = (trainer.get("max_epochs"), trainer.get("max_time"), trainer.get("fast_dev_run") or None)
    if kimg is None and unlimited and all(limit is None for limit in others):
        kimg = default_kimg
    if kimg is None:
        by_epochs = (trainer.get("max_epochs") or -1) * iterations_per_epoch
        limits = [limit for limit in (by_epochs, -1 if unlimited else most) if limit > 0]
        return {"kimg": min(limits) * images / 1000 if limits else None}
    if kimg <= 0:
        raise UserError(f"kimg={kimg}: give a positive number of thousands of images.")
    iterations = math.ceil(1000 * kimg / images)
    return {"kimg": kimg, "trainer.max_steps": iterations if unlimited else min(iterations, most)}
