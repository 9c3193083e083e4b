"""Counts what one process does in its iterations: Python calls, hooks that do nothing, and objects that stay."""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.strategies import Strategy

HOOKS: dict[CodeType, str] = {
    getattr(kind, name).__code__: f"{kind.__name__}.{name}"
    for kind in (Callback, LightningModule, Strategy)
    for name in dir(kind)
    if name.startswith("on_") and hasattr(getattr(kind, name), "__code__")
}
"""Lightning's own hooks, which do nothing."""


class Counting(Callback):
    """Counts from the end of iteration ``first`` to that of iteration ``last``, and the objects that live at both.

    Args:
        file: Where the counts are written as JSON.
        first: An iteration after which the loggers have been given all scalars.
        last: Another one.
    """

    def __init__(self, file: str, first: int, last: int) -> None:
        self.file = Path(file)
        self.first = first
        self.last = last
        self.calls: Counter[str] = Counter()
        self.hooks: Counter[str] = Counter()
        self.objects = 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        if pl_module.iteration == self.first:
            self.objects = living()
            sys.setprofile(self._count)
        elif pl_module.iteration == self.last:
            sys.setprofile(None)
            iterations = self.last - self.first
            most = {name: calls / iterations for name, calls in self.calls.most_common(15)}
            counts = {
                "calls": sum(self.calls.values()) / iterations,
                "most": most,
                "hooks": dict(self.hooks),
                "grown": living() - self.objects,
            }
            self.file.write_text(json.dumps(counts))

    def _count(self, frame: FrameType, event: str, what: Any) -> None:
        if event == "call":
            code = frame.f_code
            self.calls[f"{code.co_filename}:{code.co_name}"] += 1
            if code in HOOKS:
                self.hooks[HOOKS[code]] += 1


def living() -> int:
    """Number of objects that can refer to others, tensors among them."""
    gc.collect()
    return len(gc.get_objects())
