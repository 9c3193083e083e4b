"""The report on how the jobs of one start of a sweep ended.

Jobs leave their outcome in files, because with joblib or SLURM they run in other processes or on other machines.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gan_lightning.errors import UserError
from gan_lightning.runs.whole_files import write_whole
from gan_lightning.terminal import called

WORDS: dict[str, str] = {
    "trained": "trained",
    "resumed": "resumed and finished",
    "skipped": "done already",
    "busy": "under way in another process",
    "failed": "failed",
    "refused": "refused",
}
"""Outcomes of a job, and the words by which the report calls them."""
SAID = ("skipped", "busy")
"""Outcomes for which a line is printed at once, because the job itself prints nothing."""
BAD = ("failed", "refused")
"""Outcomes that make the sweep fail."""

STARTS = ".starts"
"""Subfolder of a sweep in which jobs leave their outcomes."""


def notes(sweep: Path, start: str) -> Path:
    """The folder in which the jobs of one start leave their outcomes until the start ends."""
    return sweep / STARTS / start


def note(job: Path, start: str, result: Mapping[str, Any], expected: bool = False) -> None:
    """Leave a job's outcome for the report, and print it at once if the job failed or did not train.

    Args:
        job: The job's folder.
        start: Name of the sweep's start.
        result: The result of :func:`gan_lightning.sweep.job.run_job`.
        expected: Whether the job may fail without making the sweep fail, as a trial of a search may.

    Raises:
        UserError: If the outcome can't be written, because the report would be wrong without it.
    """
    outcome, message = str(result["outcome"]), str(result.get("message", ""))
    if outcome in BAD:
        sys.stderr.write(f"error: {job.name}: {message}\n")
    elif outcome in SAID:
        sys.stdout.write(f"{job.name}: {WORDS[outcome]}\n")
        sys.stdout.flush()
    folder = notes(job.parent, start)
    text = json.dumps({"job": job.name, "outcome": outcome, "message": message, "expected": expected})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{job.name}.json", text)
    except OSError as error:
        raise UserError(f"Can't write what became of {job.name} to {folder}: {error.strerror}.") from error


def gather(sweep: Path, start: str) -> list[dict[str, Any]]:
    """All outcomes of one start, in the order of the jobs' names; their files are removed."""
    folder = notes(sweep, start)
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # the folder is not empty if another start is under way or was killed
        folder.parent.rmdir()
    return found


def summed_up(outcomes: list[dict[str, Any]], sweep: Path) -> str:
    """The report of a sweep: the number of jobs by outcome, the sweep's folder, and the command that compares them."""
    count = Counter(each["outcome"] for each in outcomes)
    parts = ", ".join(f"{count[outcome]} {words}" for outcome, words in WORDS.items() if count[outcome])
    folder = shlex.quote(str(sweep))
    return f"\n{len(outcomes)} job(s): {parts}\nsweep folder: {folder}\ncompare:      {called('compare.py')} {folder}\n"


def complaints(outcomes: list[dict[str, Any]]) -> list[str]:
    """One sentence for each job that failed or was refused, unless it was expected to."""
    return [f"{each['job']}: {each['message']}" for each in outcomes if each["outcome"] in BAD and not each["expected"]]
