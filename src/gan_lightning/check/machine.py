"""The facts of a machine that matter for training: versions, processor, devices, threads, and room on its disks."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch

from gan_lightning.data.cache import cache_folder
from gan_lightning.parallel.devices import cores, threads_for
from gan_lightning.runs.provenance import machine, versions

PACKAGES = ("gan-lightning", "torch", "torchvision", "lightning", "hydra-core", "omegaconf", "numpy")
"""Packages of every installation whose versions are shown."""
EXTRAS = {
    "export": ("onnxscript", "onnxruntime"),
    "inception": ("torch-fidelity",),
    "joblib": ("hydra-joblib-launcher",),
    "submitit": ("hydra-submitit-launcher",),
    "ray": ("hydra-ray-launcher",),
    "optuna": ("optuna",),
    "video": ("av",),
}
"""Packages that each extra of the project brings and by which it is recognised."""
GIB = 2**30


def facts() -> Mapping[str, str]:
    """The facts of this machine in words, each under its name, such as "threads"."""
    own = machine()
    return {
        "versions": _with_versions(versions(PACKAGES)),
        "python": f"{platform.python_version()} on {own['platform']}",
        "extras": ", ".join(filter(_is_installed, EXTRAS)) or "none",
        "processor": ", ".join(
            str(part) for part in (own["processor"], f"{cores()} core(s)", _gib(own["memory_gib"])) if part
        ),
        "devices": ", ".join([*_gpus(), *_mps(), "cpu"]),
        "threads": f"{threads_for(1, None)} in one process",
        "cache": f"{cache_folder()} ({_size(cache_folder()) / 1e6:.3g} MB)",
        "disk": ", ".join(
            f"{_free(place) / GIB:,.1f} GiB free {name}"
            for name, place in (
                ("here", Path.cwd()),
                ("for the cache", cache_folder()),
                ("for temporary files", Path(tempfile.gettempdir())),
            )
        ),
    }


def _with_versions(found: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {number or 'missing'}" for name, number in found.items())


def _is_installed(extra: str) -> bool:
    return None not in versions(EXTRAS[extra]).values()


def _gib(size: float | None) -> str:
    return "" if size is None else f"{size:g} GiB of memory"


def _gpus() -> list[str]:
    found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return [f"cuda:{index} {each.name} ({each.total_memory / GIB:.0f} GiB)" for index, each in enumerate(found)]


def _mps() -> list[str]:
    return ["mps"] if torch.backends.mps.is_available() else []


def _size(folder: Path) -> int:
    """Bytes of all files in a folder; 0 if there is none."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _free(place: Path) -> int:
    """Bytes that are free where a folder lies, or where it would be made."""
    there = next(each for each in (place.absolute(), *place.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free
