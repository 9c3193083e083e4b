"""The origin of the runs in a comparison: the commands, commits, packages and machines that made them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_lightning.compare.comparison import Comparison
from gan_lightning.compare.runs import Run
from gan_lightning.terminal import after_python


@dataclass(frozen=True)
class Origin:
    """The command, code, machine and packages that several runs share, and when these runs were made."""

    command: str
    code: str
    machine: str
    packages: str
    started: str
    """When the first of the runs started."""
    ended: str
    """When the last of the runs ended, or an empty string if that is not known."""
    runs: list[str]
    """Names of the run folders."""


def everything(comparison: Comparison) -> list[Run]:
    """All runs: first those that count, in the order of the table, then those that were left out."""
    return [*(run for row in comparison.rows for run in row.runs), *(each.run for each in comparison.left_out)]


def common_folder(comparison: Comparison) -> Path:
    """The innermost folder that holds all run folders."""
    return folder_around(everything(comparison))


def folder_around(runs: Sequence[Run]) -> Path:
    """The innermost folder that holds the folders of all runs."""
    return Path(os.path.commonpath([run.folder.parent for run in runs]))


def origins(comparison: Comparison) -> list[Origin]:
    """One origin for each group of runs that were made by the same command, code, machine and packages."""
    return origins_of(everything(comparison))


def origins_of(all_runs: Sequence[Run]) -> list[Origin]:
    """The origins of some runs."""
    groups: dict[tuple[str, str, str, str], list[Run]] = {}
    for run in all_runs:
        if run.provenance:
            groups.setdefault(_made_by(run.provenance), []).append(run)
    home = folder_around(all_runs)
    return [
        Origin(
            *made_by,
            started=_to_the_minute(min(str(run.provenance.get("started", "")) for run in runs)),
            ended=_to_the_minute(max(str(run.summary.get("ended", "")) for run in runs)),
            runs=[str(run.folder.relative_to(home)) for run in runs],
        )
        for made_by, runs in groups.items()
    ]


def _to_the_minute(iso: str) -> str:
    """A time such as ``2026-11-22T05:45:06+00:00`` as ``2026-11-22 05:45 UTC``."""
    return f"{iso[:16].replace('T', ' ')} UTC" if iso.endswith("+00:00") else iso


def _made_by(facts: Mapping[str, Any]) -> tuple[str, str, str, str]:
    command = facts.get("command") or []
    git = facts.get("git") or {}
    machine = facts.get("machine") or {}
    packages = {"python": facts.get("python"), **(facts.get("packages") or {})}
    code = str(git.get("commit", "unknown")) + (", with changes" if git.get("changed") else "")
    parts = [machine.get("processor") or machine.get("platform"), f"{machine.get('cpus')} CPUs"]
    if memory := machine.get("memory_gib"):
        parts.append(f"{memory} GiB")
    parts += machine.get("gpus") or ["no GPU"]
    return (
        shlex.join(after_python([str(word) for word in command])) or "unknown",
        code,
        ", ".join(str(part) for part in parts if part),
        ", ".join(f"{name} {version}" for name, version in packages.items() if version),
    )
