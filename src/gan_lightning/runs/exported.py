"""An exported generator on disk: its tensors in a safetensors file, everything else in ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from gan_lightning.config.moved import up_to_date
from gan_lightning.errors import UserError

CONFIG = "config.json"
WEIGHTS = "generator.safetensors"
FORMAT = 2
"""Version of the format of ``config.json``."""
PARTS: Mapping[str, Any] = {"weights": str, "generator": Mapping, "prior": (Mapping, NoneType), "trained": Mapping}
"""What ``config.json`` has to hold, and of what kind."""
AGAIN = "export the run again."


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``config``, which holds plain values only, and the version of the format to ``config.json``."""
    text = json.dumps({"library": "gan-lightning", "format": FORMAT, **config}, indent=2)
    (folder / CONFIG).write_text(f"{text}\n", encoding="utf-8")


def write_tensors(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write the weights, copying each tensor, because the format refuses tensors that share memory."""
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(own, metadata={"format": "pt"}))


def read_weights(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The content of ``config.json`` and the tensors; neither file can make code run.

    Raises:
        UserError: If a file is missing or damaged, or was written by another release in a format unknown here.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict) or config.get("library") != "gan-lightning":
            raise UserError(f"{folder / CONFIG} was not written by export.py: give a run folder, or what it exported.")
        if (version := config.get("format")) not in (1, FORMAT):
            raise UserError(
                f"{folder} has format {version}, but this release reads up to {FORMAT}: use the one that wrote it."
            )
        for name, kind in PARTS.items():
            if not isinstance(config.get(name), kind) or (kind is Mapping and isinstance(config[name], str)):
                raise UserError(
                    f"{folder / CONFIG} is damaged (its {name!r} is {str(config.get(name))[:40]!r}): {AGAIN}"
                )
        if not isinstance(config["trained"].get("images_seen"), int):
            raise UserError(f"{folder / CONFIG} is damaged (its 'trained' has no 'images_seen'): {AGAIN}")
        return up_to_date(config), safetensors.torch.load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or folder / WEIGHTS} is missing: {AGAIN}") from error
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise UserError(f"{folder} is damaged ({' '.join(str(error).split())}): {AGAIN}") from error
