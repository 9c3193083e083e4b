"""Notes how much a process holds while it trains: objects that live, and its resident memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from counting import living
from lightning.pytorch import Callback

PAGE = 4096


class Growing(Callback):
    """Notes what the process holds after some iterations.

    Args:
        file: Where the notes are written as JSON.
        at: The iterations.
    """

    def __init__(self, file: str, at: list[int]) -> None:
        self.file = Path(file)
        self.at = at
        self.notes: list[dict[str, int]] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        if pl_module.iteration in self.at:
            objects = living()
            resident = PAGE * int(Path("/proc/self/statm").read_text().split()[1])
            self.notes.append({"iteration": pl_module.iteration, "objects": objects, "resident": resident})
            self.file.write_text(json.dumps(self.notes))
