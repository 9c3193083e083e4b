"""Where numbers go: ``metrics.jsonl``, one object a line, for other programs to read, and TensorBoard's events."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from gan_lightning.runs.folder import SCHEMA_VERSION, RunFolder
from gan_lightning.runs.records import append_lines, read_records


class JsonLines(Logger):
    """Appends ``{"v", "iteration", "images", "seconds", "name", "value"}`` lines.

    ``seconds`` is the time spent training, over all attempts of the run. Lines that are newer than the checkpoint from
    which a run goes on are dropped when it does, so that no iteration stands there twice.

    Args:
        folder: The run folder.
        resume_at: The iteration to go on from; None for a new run.
    """

    def __init__(self, folder: str, resume_at: int | None = None) -> None:
        super().__init__()
        self.path = RunFolder(Path(folder)).metrics
        writes = rank_zero_only.rank == 0  # type: ignore[attr-defined]  # the others must not trim what rank 0 trims
        self.spent = self._go_on_from(resume_at) if writes and resume_at is not None else 0.0
        """Seconds of earlier attempts."""
        self._started = time.monotonic()

    def begin(self) -> None:
        """Training begins: setting up, such as the start of other processes, is none of its seconds."""
        self._started = time.monotonic()

    @property
    def name(self) -> str:
        """The file's name."""
        return RunFolder.metrics.name

    @property
    def version(self) -> int:
        """Of the schema."""
        return SCHEMA_VERSION

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """The configuration has files of its own."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one line a number; ``metrics`` carries the images seen under "images"."""
        self._append(metrics, step, int(metrics.get("images", 0)))

    @rank_zero_only
    def log_measured(
        self, metrics: Mapping[str, float], facts: Mapping[str, Mapping[str, Any]], step: int, images: int
    ) -> None:
        """Append numbers of quality, each with what has to be known to compare it with another.

        Args:
            metrics: Values by name.
            facts: What stands in the line beside each: its ``protocol``, and which way is ``better``.
            step: The iteration.
            images: Real images seen until then.
        """
        self._append(metrics, step, images, facts)

    def _append(
        self,
        metrics: Mapping[str, float],
        step: int | None,
        images: int,
        facts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        seconds = round(self.spent + time.monotonic() - self._started, 3)
        common = {"v": SCHEMA_VERSION, "iteration": step, "images": images, "seconds": seconds}
        facts = facts or {}
        records = [{**common, "name": name, "value": value, **facts.get(name, {})} for name, value in metrics.items()]
        append_lines(self.path, records)

    def _go_on_from(self, iteration: int) -> float:
        """Drop what came after ``iteration`` and a line torn by a crash; give the seconds spent until then."""
        if not self.path.is_file():
            return 0.0
        kept = [record for record in read_records(self.path) if record["iteration"] <= iteration]
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text("".join(f"{json.dumps(record)}\n" for record in kept), encoding="utf-8")
        temporary.replace(self.path)
        return float(kept[-1]["seconds"]) if kept else 0.0


class TensorBoard(TensorBoardLogger):
    """Events in the run folder itself, so that a run is one line in TensorBoard.

    Args:
        folder: The run folder.
        resume_at: The iteration to go on from: what came after it is hidden; None for a new run.
    """

    def __init__(self, folder: str, resume_at: int | None = None) -> None:
        purge_step = None if resume_at is None else resume_at + 1
        super().__init__(folder, name="", version="", default_hp_metric=False, purge_step=purge_step)

    @rank_zero_only
    def save(self) -> None:
        """Flush. Lightning would also write an hparams.yaml, and ``resolved.yaml`` says it all."""
        self.experiment.flush()
