"""A run on disk: where each of its files lies and how it is read. No other file spells their names.

>>> from pathlib import Path
>>> run = RunFolder(Path("runs/one"))
>>> run.last.as_posix(), run.attempt(2).overrides.as_posix(), RunFolder.summary.name
('runs/one/checkpoints/last.ckpt', 'runs/one/attempts/2/overrides.txt', 'summary.json')
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gan_lightning.config.moved import up_to_date
from gan_lightning.errors import UserError
from gan_lightning.runs.records import read_records

SCHEMA_VERSION = 1
"""Stands as ``v`` in every JSON file of a run folder."""
COMMAND = "GAN_LIGHTNING_COMMAND"
"""In the environment of a sweep's jobs: its line, for their own words are Hydra's, or those of a launcher's program."""
EVENTS = "tfevents"
"""In the names of files that TensorBoard reads, wherever they lie."""


class Place:
    """The path of a file or folder below that of the folder object; from the class, its relative path alone."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, folder: Folder | None, owner: type) -> Path:
        """Look up ``folder.summary`` or ``RunFolder.summary``."""
        return Path(self.name) if folder is None else folder.path / self.name


@dataclass(frozen=True)
class Folder:
    """A folder of known files."""

    path: Path


class Record(Folder):
    """What a run and each of its attempts write down: how they were made, and how they ended."""

    composed = Place("config.yaml")
    """The configuration that was asked for; values that refer to others still do."""
    resolved = Place("resolved.yaml")
    """The configuration that is trained: every reference followed, the facts of the data filled in."""
    overrides = Place("overrides.txt")
    """What was typed, a line each."""
    provenance = Place("provenance.json")
    """Command, code, packages and machine."""
    changes = Place("changes.diff")
    """What was changed in the code since its commit; missing if nothing was."""
    summary = Place("summary.json")
    """How training ended; missing while it is under way and if it was killed."""
    failure = Place("failure.json")
    """Why a job of a sweep failed."""
    traceback = Place("traceback.txt")
    """Where it failed."""

    def words(self) -> list[str]:
        """What was typed; empty if nothing is written down."""
        return self.overrides.read_text(encoding="utf-8").splitlines() if self.overrides.is_file() else []


MADE_OF = tuple(
    place.name for place in (Record.composed, Record.resolved, Record.overrides, Record.provenance, Record.changes)
)
"""Files that say how a run was made."""
ENDED_WITH = tuple(place.name for place in (Record.summary, Record.failure, Record.traceback))
"""Files that say how it ended."""


class Attempt(Record):
    """``attempts/N``: one start of a run, with its own copy of the record."""

    process = Place("rank-0.json")
    """What the first process trains with, written when training begins."""

    @property
    def number(self) -> int:
        """0 for the first start."""
        return int(self.path.name)

    @property
    def run(self) -> RunFolder:
        """The run that it belongs to."""
        return RunFolder(self.path.parents[1])

    def of_rank(self, rank: int) -> Path:
        """What a process trains with."""
        return self.path / f"rank-{rank}.json"


class RunFolder(Record):
    """A run; its record is that of its last attempt."""

    lock = Place(".lock")
    """Held by the process that trains here."""
    metrics = Place("metrics.jsonl")
    """Numbers of training, one object a line."""
    evaluations = Place("evaluations.jsonl")
    """Numbers that ``evaluate.py`` measured, one object a line."""
    reproduction = Place("rerun.json")
    """Whether ``rerun=`` gave the numbers of the earlier run."""
    checkpoints = Place("checkpoints")
    """The folder of all checkpoints."""
    last = Place("checkpoints/last.ckpt")
    """Where training goes on."""
    previous = Place("checkpoints/last.previous.ckpt")
    """The last checkpoint but one."""
    best = Place("checkpoints/best.ckpt")
    """The checkpoint whose measured quality was best."""
    samples = Place("samples")
    """The folder of sample sheets."""
    real_sheet = Place("samples/real.png")
    """Real images, to compare the sample sheets with."""
    all_attempts = Place("attempts")
    """The folder of all attempts."""
    generated = Place("generated")
    """Where ``generate.py`` makes its folders."""
    exported = Place("export")
    """Where ``export.py`` writes."""
    failed = Place("failed")
    """Where a job of a sweep keeps what its failed starts left."""

    @classmethod
    def around(cls, source: Path) -> RunFolder:
        """The folder for everything made from ``source``: the run folder for a run or one of its checkpoints.

        For any other file it is the folder in which the file lies.
        """
        if source.is_dir():
            return cls(source)
        return cls(source.parents[1] if source.parent.name == cls.checkpoints.name else source.parent)

    def checkpoint_at_kimg(self, kimg: int) -> Path:
        """A checkpoint that is kept, by the thousands of real images that had been seen."""
        return self.checkpoints / f"kimg-{kimg:06d}.ckpt"

    def sheet(self, iteration: int) -> Path:
        """The sample sheet drawn after an iteration."""
        return self.samples / f"iteration-{iteration:07d}.png"

    def sheets(self) -> dict[int, Path]:
        """All sample sheets by iteration, in order."""
        files = {file.stem.partition("-")[2]: file for file in self.samples.glob("iteration-*.png")}
        return {int(iteration): files[iteration] for iteration in sorted(files) if iteration.isdecimal()}

    def attempt(self, number: int) -> Attempt:
        """One attempt, whether it is there or not."""
        return Attempt(self.all_attempts / str(number))

    def attempts(self) -> list[Attempt]:
        """The attempts that are there, the first one first."""
        return sorted(map(Attempt, self.all_attempts.glob("[0-9]*")), key=lambda attempt: attempt.number)

    def next_attempt(self) -> Attempt:
        """The attempt that goes on with this run; number 0 is always taken."""
        return self.attempt(1 + max((attempt.number for attempt in self.attempts()), default=0))

    def events(self) -> set[Path]:
        """TensorBoard's files."""
        return set(self.path.glob(f"*{EVENTS}*"))

    def numbers(self) -> list[dict[str, Any]]:
        """The records of ``metrics.jsonl``; empty if there is none."""
        return read_records(self.metrics) if self.metrics.is_file() else []

    def evaluated(self) -> list[dict[str, Any]]:
        """The records of ``evaluations.jsonl``; empty if there is none."""
        return read_records(self.evaluations) if self.evaluations.is_file() else []


class GeneratedFolder(Folder):
    """Images that ``generate.py`` drew."""

    record = Place("generated.json")
    """What they were drawn from."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a run folder; empty if there is none.

    Raises:
        ValueError: It is damaged, such as cut short.
        UserError: Another release wrote it, whose format this one does not know.
    """
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is no JSON object")
    if (version := content.get("v", SCHEMA_VERSION)) != SCHEMA_VERSION:
        raise UserError(
            f"{path} has format {version}, but this release reads {SCHEMA_VERSION}: use the release that wrote it."
        )
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file of a run folder, with the version of its format."""
    path.write_text(as_json(content), encoding="utf-8")


def as_json(content: Mapping[str, Any]) -> str:
    """The text of a JSON file of a run folder."""
    return json.dumps({"v": SCHEMA_VERSION, **content}, indent=2) + "\n"


def read_yaml(path: Path) -> dict[str, Any]:
    """A stored configuration with today's names, as plain containers, references unresolved; empty if there is none.

    Raises:
        yaml.YAMLError: It is damaged.
    """
    # the parser in C where PyYAML has it, 17 times as fast as OmegaConf on a resolved.yaml; both are the safe ones
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return up_to_date(dict(yaml.load(path.read_text(encoding="utf-8"), loader))) if path.is_file() else {}
