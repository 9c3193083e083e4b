"""Loggers of a run's numbers: lines of JSON in ``metrics.jsonl`` for other programs, and events for TensorBoard."""

from __future__ import annotations

import json
import re
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from gan_lightning.errors import UserError
from gan_lightning.runs.folder import EVENTS, SCHEMA_VERSION, RunFolder
from gan_lightning.runs.records import OF_TRAINING, append_lines, read_records
from gan_lightning.runs.whole_files import write_whole

START = re.compile(rf"(?<={EVENTS}\.)\d+")
"""The second in which a file of TensorBoard was begun, as it stands in the file's name."""


class JsonLines(Logger):
    """Logger that appends ``{"v", "iteration", "images", "seconds", "name", "value"}`` lines to ``metrics.jsonl``.

    ``seconds`` is the time spent training, over all attempts of the run. When a run goes on from a checkpoint, lines
    that are newer than the checkpoint are dropped, so that no iteration appears twice.

    Args:
        folder: The run folder.
        resume_at: The iteration to go on from; None for a new run.
    """

    def __init__(self, folder: str, resume_at: int | None = None) -> None:
        super().__init__()
        self.path = RunFolder(Path(folder)).metrics
        writes = rank_zero_only.rank == 0  # type: ignore[attr-defined]  # because only one process may trim the file
        self._kept = self._until(resume_at) if writes and resume_at is not None else None
        """The records to go on from, until training begins; None if there are none."""
        self.spent = float(self._kept[-1]["seconds"]) if self._kept else 0.0
        """Seconds that earlier attempts spent training."""
        self._started = time.monotonic()

    def begin(self) -> None:
        """Start the clock, because training begins: setting up, such as starting other processes, does not count.

        Lines that are newer than the checkpoint are dropped now and not earlier, because a resume that is refused must
        change nothing.
        """
        self._started = time.monotonic()
        self._drop_what_came_after()

    @property
    def name(self) -> str:
        """Name of the file that the lines are appended to."""
        return RunFolder.metrics.name

    @property
    def version(self) -> int:
        """Version of the format of the lines."""
        return SCHEMA_VERSION

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Log nothing, because the configuration has files of its own."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one line for each number; ``metrics["images"]`` is the count of real images seen."""
        self._append(metrics, step, int(metrics.get("images", 0)))

    @rank_zero_only
    def log_measured(
        self, metrics: Mapping[str, float], facts: Mapping[str, Mapping[str, Any]], step: int, images: int
    ) -> None:
        """Append numbers of quality, each with the facts that are needed to compare it with another number.

        Args:
            metrics: The values by name.
            facts: Further entries of each number's line by the number's name: its ``protocol``, and which way is
                ``better``.
            step: The iteration.
            images: Number of real images seen until then.
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
        self._drop_what_came_after()
        append_lines(self.path, records)

    def _until(self, iteration: int) -> list[dict[str, Any]] | None:
        """The records of the run until ``iteration``, without a line torn by a crash; None if there is no file."""
        if not self.path.is_file():
            return None
        return [record for record in read_records(self.path, OF_TRAINING) if record["iteration"] <= iteration]

    def _drop_what_came_after(self) -> None:
        if self._kept is None:
            return
        try:
            write_whole(self.path, "".join(f"{json.dumps(record)}\n" for record in self._kept))
        except OSError as error:
            raise UserError(f"Can't write {self.path}: {error.strerror}.") from error
        self._kept = None


class TensorBoard(TensorBoardLogger):
    """TensorBoard logger that writes its events into the run folder itself, so that a run is one line in TensorBoard.

    Args:
        folder: The run folder.
        resume_at: The iteration to go on from, after which earlier events are hidden; None for a new run.
    """

    def __init__(self, folder: str, resume_at: int | None = None) -> None:
        purge_step = None if resume_at is None else resume_at + 1
        super().__init__(folder, name="", version="", default_hp_metric=False, purge_step=purge_step)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer of the events, whose file comes after those of earlier attempts even if the clock was set back."""
        if self._experiment is None:
            put_before(RunFolder(Path(self.log_dir)).events(), int(time.time()))
        return super().experiment

    @rank_zero_only
    def save(self) -> None:
        """Flush the events, if there are any; their file is begun by the first of them, and so not before training.

        Lightning would also write an hparams.yaml, but ``resolved.yaml`` has all of that.
        """
        if self._experiment is not None:
            self.experiment.flush()


def put_before(files: Iterable[Path], second: int) -> None:
    """Give TensorBoard's files names that stand before that of one that is begun in this second, in the same order.

    TensorBoard reads the files of a folder in the order of their names, which begin with the time of the machine's
    clock. If the clock was set back between two attempts, the later one would be read first.

    Args:
        files: Files that nobody writes any more.
        second: Number of seconds since 1970, at which a new file is begun.
    """
    limit = second
    for file in sorted(files, reverse=True):
        if (found := START.search(file.name)) is None:
            continue
        limit = min(int(found[0]), limit - 1)
        if limit != int(found[0]):
            file.rename(file.with_name(START.sub(f"{limit:010d}", file.name, count=1)))
