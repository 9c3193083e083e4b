"""What a run left on disk, as tests look at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit_checkpoint(file: Path, change: Any) -> None:
    """Change the content of a checkpoint in place."""
    content = torch.load(file, weights_only=True)
    change(content)
    torch.save(content, file)
