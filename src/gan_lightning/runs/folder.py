"""A run on disk: where each of its files lies and how it is read. No other module spells these file names.

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

from gan_lightning.config.modest import require_modest
from gan_lightning.config.moved import up_to_date
from gan_lightning.errors import UserError
from gan_lightning.runs.records import OF_HEALTH, OF_TRAINING, read_records
from gan_lightning.runs.whole_files import write_whole

SCHEMA_VERSION = 1
"""Version of the format of a run folder's JSON files; each file holds it as ``v``."""
COMMAND = "GAN_LIGHTNING_COMMAND"
"""Environment variable with a sweep's command line, because its jobs' own words are Hydra's or a launcher's."""
EVENTS = "tfevents"
"""Part of the name of every file that TensorBoard reads."""


class Place:
    """Descriptor of a file in a folder: the full path on a folder object, the relative path on its class."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, folder: Folder | None, owner: type) -> Path:
        """The full path for ``folder.summary``, the relative path for ``RunFolder.summary``."""
        return Path(self.name) if folder is None else folder.path / self.name


@dataclass(frozen=True)
class Folder:
    """A folder whose files are known by name."""

    path: Path


class Record(Folder):
    """The files that a run and each of its attempts write down: how they were made, and how they ended."""

    composed = Place("config.yaml")
    """The configuration that was asked for, in which values still refer to others."""
    resolved = Place("resolved.yaml")
    """The configuration that is trained, with every reference followed and the facts of the data filled in."""
    overrides = Place("overrides.txt")
    """The words that were typed, one a line."""
    provenance = Place("provenance.json")
    """The command, code, packages and machine of the run."""
    changes = Place("changes.diff")
    """The changes of the code since its commit, as a patch; missing if there are none."""
    summary = Place("summary.json")
    """The summary of a run that has ended; missing while it trains and if it was killed."""
    failure = Place("failure.json")
    """The reason why a job of a sweep failed."""
    traceback = Place("traceback.txt")
    """The traceback of that failure."""

    def words(self) -> list[str]:
        """The words that were typed; empty if none are written down."""
        return self.overrides.read_text(encoding="utf-8").splitlines() if self.overrides.is_file() else []


MADE_OF = tuple(
    place.name for place in (Record.composed, Record.resolved, Record.overrides, Record.provenance, Record.changes)
)
"""Names of the files that say how a run was made."""
ENDED_WITH = tuple(place.name for place in (Record.summary, Record.failure, Record.traceback))
"""Names of the files that say how a run ended."""


class Attempt(Record):
    """One start of a run, in ``attempts/N``, with its own copy of the record."""

    process = Place("rank-0.json")
    """The facts of the first process, such as its device, written when training begins."""

    @property
    def number(self) -> int:
        """Number of the attempt, 0 for the first start of the run."""
        return int(self.path.name)

    @property
    def run(self) -> RunFolder:
        """The run that the attempt belongs to."""
        return RunFolder(self.path.parents[1])

    def of_rank(self, rank: int) -> Path:
        """The file with the facts of one process, such as its device."""
        return self.path / f"rank-{rank}.json"


class RunFolder(Record):
    """The folder of a run, whose record is that of its last attempt."""

    lock = Place(".lock")
    """The lock that the process that trains in this folder holds."""
    metrics = Place("metrics.jsonl")
    """The numbers of training, one JSON object a line."""
    health = Place("health.jsonl")
    """The illnesses that were found during training and those that were over, one JSON object a line."""
    evaluations = Place("evaluations.jsonl")
    """The numbers that ``evaluate.py`` measured, one JSON object a line."""
    reproduction = Place("rerun.json")
    """The record of whether ``rerun=`` gave the numbers of the earlier run."""
    checkpoints = Place("checkpoints")
    """The folder of all checkpoints."""
    last = Place("checkpoints/last.ckpt")
    """The last checkpoint, from which training goes on."""
    previous = Place("checkpoints/last.previous.ckpt")
    """The last checkpoint but one."""
    best = Place("checkpoints/best.ckpt")
    """The checkpoint whose measured quality was best."""
    healthy = Place("checkpoints/healthy.ckpt")
    """The last checkpoint at which no illness showed, to which training can be rolled back."""
    samples = Place("samples")
    """The folder of sample sheets."""
    real_sheet = Place("samples/real.png")
    """Real images, to compare the sample sheets with."""
    all_attempts = Place("attempts")
    """The folder of all attempts."""
    generated = Place("generated")
    """The folder in which ``generate.py`` makes a folder for each set of images."""
    exported = Place("export")
    """The folder that ``export.py`` writes."""
    failed = Place("failed")
    """The folder in which a job of a sweep keeps the files that its failed starts left."""

    @classmethod
    def around(cls, source: Path) -> RunFolder:
        """The folder for everything that is made from ``source``, a run folder or a file.

        For a checkpoint of a run it is the run folder, for any other file the folder in which the file lies.
        """
        if source.is_dir():
            return cls(source)
        return cls(source.parents[1] if source.parent.name == cls.checkpoints.name else source.parent)

    def checkpoint_at_kimg(self, kimg: int) -> Path:
        """The checkpoint that is kept from the moment when ``kimg`` thousand real images had been seen."""
        return self.checkpoints / f"kimg-{kimg:06d}.ckpt"

    def sheet(self, iteration: int) -> Path:
        """The sample sheet that was drawn after an iteration."""
        return self.samples / f"iteration-{iteration:07d}.png"

    def sheets(self) -> dict[int, Path]:
        """All sample sheets by their iteration, in increasing order."""
        files = {file.stem.partition("-")[2]: file for file in self.samples.glob("iteration-*.png")}
        return {int(iteration): files[iteration] for iteration in sorted(files) if iteration.isdecimal()}

    def attempt(self, number: int) -> Attempt:
        """The attempt with this number, whether it exists or not."""
        return Attempt(self.all_attempts / str(number))

    def attempts(self) -> list[Attempt]:
        """All existing attempts, in increasing order of their numbers."""
        return sorted(map(Attempt, self.all_attempts.glob("[0-9]*")), key=lambda attempt: attempt.number)

    def next_attempt(self) -> Attempt:
        """The attempt that would go on with this run; its number is at least 1, because 0 is the run's first start."""
        return self.attempt(1 + max((attempt.number for attempt in self.attempts()), default=0))

    def strangers(self) -> list[Path]:
        """What lies in the folder and is none of the files and folders that a run or a verb makes there."""
        if not self.path.is_dir():
            return []
        own = {place.name.split("/")[0] for kind in type(self).__mro__ for place in _places(kind)}
        found = (entry for entry in self.path.iterdir() if entry.name not in own and EVENTS not in entry.name)
        return sorted(entry for entry in found if not entry.name.startswith("."))

    def events(self) -> set[Path]:
        """All files of this folder that TensorBoard reads."""
        return set(self.path.glob(f"*{EVENTS}*"))

    def numbers(self) -> list[dict[str, Any]]:
        """The records of ``metrics.jsonl``; empty if there is none."""
        return read_records(self.metrics, OF_TRAINING) if self.metrics.is_file() else []

    def diagnoses(self) -> list[dict[str, Any]]:
        """The records of ``health.jsonl``; empty if there is none."""
        return read_records(self.health, OF_HEALTH) if self.health.is_file() else []

    def evaluated(self) -> list[dict[str, Any]]:
        """The records of ``evaluations.jsonl``; empty if there is none."""
        return read_records(self.evaluations) if self.evaluations.is_file() else []


def _places(kind: type) -> list[Place]:
    return [value for value in vars(kind).values() if isinstance(value, Place)]


class GeneratedFolder(Folder):
    """A folder of images that ``generate.py`` drew."""

    record = Place("generated.json")
    """The record of what the images were drawn from."""


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file of a run folder; empty if there is no such file.

    Raises:
        ValueError: If the file is damaged, for example cut short.
        UserError: If another release wrote it in a format that this one does not know.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is no JSON object")
    if (version := content.get("v", SCHEMA_VERSION)) != SCHEMA_VERSION:
        raise UserError(
            f"{path} has format {version}, but this release reads {SCHEMA_VERSION}: use the release that wrote it."
        )
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file of a run folder, with the version of its format."""
    write_whole(path, as_json(content))


def as_json(content: Mapping[str, Any]) -> str:
    """The text of a JSON file of a run folder."""
    return json.dumps({"v": SCHEMA_VERSION, **content}, indent=2) + "\n"


def read_yaml(path: Path) -> dict[str, Any]:
    """A stored configuration as plain containers with today's names; empty if there is no such file.

    References in it are not resolved.

    Raises:
        yaml.YAMLError: If the file is damaged.
        UserError: If it is far larger than a configuration.
    """
    # PyYAML's parser in C, if it is there, is 17 times as fast as OmegaConf on a resolved.yaml; both loaders are safe
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    require_modest(text, path)
    return up_to_date(dict(yaml.load(text, loader)))
