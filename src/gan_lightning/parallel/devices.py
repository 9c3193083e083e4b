"""The devices (GPUs) and processes of a run, who starts them, and the device of a command that only draws."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
from lightning.fabric.plugins.environments import ClusterEnvironment, SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.accelerators import AcceleratorRegistry

from gan_lightning.errors import UserError

EXTERNAL: tuple[type[ClusterEnvironment], ...] = (TorchElasticEnvironment, SLURMEnvironment)


@dataclass(frozen=True)
class Devices:
    """The accelerator and the devices that ``trainer.accelerator``, ``devices`` and ``num_nodes`` mean on this machine.

    Args:
        accelerator: Kind of the devices: "cuda", "mps" or "cpu".
        local: Number of processes on each machine (node), one for each device.
        nodes: Number of machines.
    """

    accelerator: str
    local: int
    nodes: int

    @property
    def world_size(self) -> int:
        """Number of processes in the run, over all machines."""
        return self.local * self.nodes


def resolve_devices(accelerator: str, devices: Any, nodes: int) -> Devices:
    """The devices that the options ask for, which may be "auto", -1, a text such as "0,1" or a list.

    Raises:
        UserError: If there is no such accelerator or device, or torchrun or SLURM started another number of processes.
    """
    name = _accelerator(accelerator)
    kind = AcceleratorRegistry.get(name)
    try:
        chosen = kind.auto_device_count() if devices in ("auto", -1, "-1") else kind.parse_devices(devices)
    except Exception as error:  # Lightning raises exceptions of three kinds, all with the reason as text
        raise UserError(f"trainer.devices={devices}: {error}") from error
    local = len(chosen) if isinstance(chosen, list) else int(chosen or 0)
    if local < 1:
        raise UserError(f"trainer.devices={devices} asks for no device.")
    found = Devices(name, local, nodes)
    outside = external_environment()
    if outside is None and nodes > 1:
        raise UserError(f"trainer.num_nodes={nodes}: start the run on all nodes with torchrun or srun.")
    if outside is not None and outside.world_size() != found.world_size:
        raise UserError(
            f"{_launcher_name(outside)} started {outside.world_size()} process(es), but trainer.devices={devices} and "
            f"trainer.num_nodes={nodes} ask for {found.world_size}. Make the two agree."
        )
    return found


def external_environment() -> ClusterEnvironment | None:
    """The launcher (torchrun or SLURM) that started this process as one of several, or None if none did.

    Raises:
        UserError: If SLURM was asked for processes in a way that Lightning does not accept.
    """
    try:
        return next((kind() for kind in EXTERNAL if kind.detect()), None)
    except RuntimeError as error:
        raise UserError(str(error)) from error


def external_rank() -> int:
    """This process's rank under torchrun or SLURM, or 0 if neither started it."""
    outside = external_environment()
    return outside.global_rank() if outside is not None else 0


def cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(local_processes: int, wanted: int | None, available: int | None = None) -> int:
    """Number of CPU threads for each process.

    Args:
        local_processes: Number of processes on this machine.
        wanted: Number of threads that the user asks for, or None for an equal share of the cores.
        available: Number of cores to share, or None for all that this process may use.

    Raises:
        UserError: If less than one thread is asked for.
    """
    if wanted is not None and wanted < 1:
        raise UserError(f"threads={wanted}: give at least 1, or null for this machine's share of cores.")
    return wanted or max(1, (available or cores()) // local_processes)


def device_named(name: str) -> torch.device:
    """The device that the option ``device=`` names; "auto" is a GPU if there is one, and else the CPU.

    Raises:
        UserError: If this machine does not have the device.
    """
    found = torch.accelerator.current_accelerator(check_available=True) if name == "auto" else None
    try:
        device = found or torch.device("cpu" if name == "auto" else name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"device={name} is not available here ({str(error).splitlines()[0]}).") from error
    return device


def _accelerator(name: str) -> str:
    available = [known for known in ("cuda", "mps", "cpu") if AcceleratorRegistry.get(known).is_available()]
    chosen = available[0] if name == "auto" else name
    if name == "gpu":
        chosen = next((known for known in available if known != "cpu"), "gpu")
    if chosen not in available:
        raise UserError(f"trainer.accelerator={name} is not available here; there is {', '.join(available)}.")
    return chosen


def _launcher_name(environment: ClusterEnvironment) -> str:
    return "SLURM" if isinstance(environment, SLURMEnvironment) else "torchrun"
