"""Where a run came from: command, code, packages, machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("gan-lightning", "torch", "torchvision", "lightning", "hydra-core", "omegaconf", "torchmetrics", "numpy")


def provenance(seed: int) -> dict[str, Any]:
    """Plain facts for ``provenance.json``."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "v": 1,
        "started": now(),
        "command": sys.argv,
        "working_directory": os.getcwd(),
        "seed": seed,
        "git": _git_state(),
        "python": platform.python_version(),
        "packages": versions(PACKAGES),
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count(), "gpus": gpus},
    }


def now() -> str:
    """The time in UTC to the second, as ISO 8601 has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """What is installed of each package; None where it is not."""
    return {name: _version(name) for name in packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_state() -> dict[str, Any] | None:
    """Commit of the code that runs, and whether it was changed since; None outside a checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None
