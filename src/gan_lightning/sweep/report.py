"""What became of the jobs of one start of a sweep, gathered through files: with joblib or SLURM they run elsewhere."""

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

WORDS: dict[str, str] = {
    "trained": "trained",
    "resumed": "resumed and finished",
    "skipped": "done already",
    "busy": "under way in another process",
    "failed": "failed",
    "refused": "refused",
}
SAID = ("skipped", "busy")
"""Outcomes of which a line is printed when the job is met."""
BAD = ("failed", "refused")

STARTS = ".starts"


def notes(sweep: Path, start: str) -> Path:
    """Where the jobs of a start leave their outcome until its end."""
    return sweep / STARTS / start


def note(job: Path, start: str, result: Mapping[str, Any], expected: bool = False) -> None:
    """Leave a job's outcome for the report, and say at once what a reader would wonder about.

    Args:
        job: Its folder.
        start: Of the sweep.
        result: What became of it.
        expected: Whether it may fail without the sweep having failed, as a trial of a search may.

    Raises:
        UserError: It can't be written, and the report would be wrong without it.
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
        (folder / f"{job.name}.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"Can't write what became of {job.name} to {folder}: {error.strerror}.") from error


def gather(sweep: Path, start: str) -> list[dict[str, Any]]:
    """All outcomes of a start, by name of the job; they are not kept."""
    folder = notes(sweep, start)
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another start is under way, or was killed
        folder.parent.rmdir()
    return found


def summed_up(outcomes: list[dict[str, Any]], sweep: Path) -> str:
    """How many jobs ended how, where they are, and what to do with them."""
    count = Counter(each["outcome"] for each in outcomes)
    parts = ", ".join(f"{count[outcome]} {words}" for outcome, words in WORDS.items() if count[outcome])
    folder = shlex.quote(str(sweep))
    return f"\n{len(outcomes)} job(s): {parts}\nsweep folder: {folder}\ncompare:      python compare.py {folder}\n"


def complaints(outcomes: list[dict[str, Any]]) -> list[str]:
    """One sentence for each job that did not do what it had to."""
    return [f"{each['job']}: {each['message']}" for each in outcomes if each["outcome"] in BAD and not each["expected"]]
