"""A generator as data: its tensors in a safetensors file, all else in ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from gan_lightning.config.moved import up_to_date
from gan_lightning.errors import UserError

CONFIG = "config.json"
WEIGHTS = "generator.safetensors"
FORMAT = 2
"""Of ``config.json``."""


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``config.json``: ``config``, which is plain, and the format's number."""
    text = json.dumps({"library": "gan-lightning", "format": FORMAT, **config}, indent=2)
    (folder / CONFIG).write_text(f"{text}\n", encoding="utf-8")


def write_tensors(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write the weights; each tensor is copied, since the format takes none that share memory."""
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(own, metadata={"format": "pt"}))


def read_weights(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What ``config.json`` says, and the tensors. Neither file can make code run.

    Raises:
        UserError: A file is missing or damaged, or another release's.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict) or config.get("library") != "gan-lightning":
            raise UserError(f"{folder / CONFIG} was not written by export.py: give a run folder, or what it exported.")
        if (version := config.get("format")) not in (1, FORMAT):
            raise UserError(
                f"{folder} has format {version}, but this release reads up to {FORMAT}: use the one that wrote it."
            )
        return up_to_date(config), safetensors.torch.load_file(folder / WEIGHTS)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or folder / WEIGHTS} is missing: export the run again.") from error
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{folder} is damaged ({' '.join(str(error).split())}): export the run again.") from error
