"""The provenance of a run: its command, code, packages and machine."""

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
from gan_lightning.terminal import program

PACKAGES = ("gan-lightning", "torch", "torchvision", "lightning", "hydra-core", "omegaconf", "torchmetrics", "numpy")


def provenance(seed: int) -> dict[str, Any]:
    """The facts of ``provenance.json`` as plain values; the code's changes since its commit are in ``changes.diff``."""
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
    """The words of the command line, without the interpreter."""
    return shlex.split(os.environ[COMMAND]) if COMMAND in os.environ else [*program(), *sys.argv[1:]]


def machine() -> dict[str, Any]:
    """The machine that trains: processor, memory, GPUs, and the CUDA version that torch was built for."""
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
    """The changes in the checkout of this package since its commit, as a patch; empty if there are none."""
    return repository.changes(Path(__file__).parent)


def now() -> str:
    """The current time in UTC to the second, in the format of ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each package, or None if it is not installed."""
    return {name: _version(name) for name in packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The name of the processor: on Linux from ``/proc/cpuinfo``, elsewhere from Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):  # if the system is not POSIX
        return None
