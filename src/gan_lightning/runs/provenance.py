"""Where a run came from: command, code, packages, machine."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from gan_lightning.runs import repository
from gan_lightning.runs.folder import COMMAND

PACKAGES = ("gan-lightning", "torch", "torchvision", "lightning", "hydra-core", "omegaconf", "torchmetrics", "numpy")


def provenance(seed: int) -> dict[str, Any]:
    """Plain facts for ``provenance.json``; the changes since the commit are in ``changes.diff``."""
    return {
        "started": now(),
        "command": command(),
        "working_directory": os.getcwd(),
        "seed": seed,
        "git": repository.state(Path(__file__).parent),
        "python": platform.python_version(),
        "packages": versions(PACKAGES),
        "machine": machine(),
    }


def command() -> list[str]:
    """What was typed, without the interpreter."""
    return shlex.split(os.environ[COMMAND]) if COMMAND in os.environ else sys.argv


def machine() -> dict[str, Any]:
    """What trains: processor, memory, GPUs, and the CUDA that torch was built for."""
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda,
    }


def code_changes() -> str:
    """What was changed in the checkout of this package since its commit, as a patch."""
    return repository.changes(Path(__file__).parent)


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


def _processor() -> str:
    """The name that Linux has for it, and elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):  # not a POSIX system
        return None
