"""Starts the other processes of a run (multi-GPU): they are handed what to build, and end when this one ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.environments import ClusterEnvironment
from lightning.pytorch.strategies.launchers.launcher import _Launcher
from torch.distributed import TCPStore

from gan_lightning.errors import ProcessFailed, ProcessKilled, UserError

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

HOST = "127.0.0.1"
START_TIMEOUT_S = 600.0
END_TIMEOUT_S = 60.0
NOTICE_TIMEOUT_S = 120.0
FAILED = "failed/{rank}"
"""The key in the store under which a child leaves the message of its failure."""


class WorkerLauncher(_Launcher):
    """Runs ``python -m gan_lightning.train.worker`` for every rank of this machine but this one, which is rank 0.

    A child reads the resolved run from its standard input, so no command line is run again, nothing is composed twice
    and nothing of this process's environment changes. The pipe stays open: if this process ends, in whatever way, the
    children see the pipe close and end too. The rendezvous port is held from the moment it is chosen.

    Args:
        environment: Lightning's view of how the processes are started.
        processes: Number of processes on this machine, with this one.
        nodes: Number of machines.
        payload: What the children need to build the same run.
    """

    def __init__(self, environment: ClusterEnvironment, processes: int, nodes: int, payload: dict[str, Any]) -> None:
        super().__init__()
        self.environment = environment
        self.processes = processes
        self.nodes = nodes
        self.payload = payload
        self.store: TCPStore | None = None
        self.children: list[subprocess.Popen[bytes]] = []

    @property
    def is_interactive_compatible(self) -> bool:
        """Whether a notebook may use this launcher: yes, because it starts fresh interpreters."""
        return True

    def launch(self, function: Callable[..., Any], *args: Any, trainer: Trainer | None = None, **kwargs: Any) -> Any:
        """Start the children unless torchrun or SLURM did, run ``function`` here as rank 0, and end all together."""
        self.environment.validate_settings(num_devices=self.processes, num_nodes=self.nodes)
        if self.environment.creates_processes_externally:
            return function(*args, **kwargs)
        self.store = store = store_on_loopback(self.processes)
        try:
            self.children = [self._start(rank, store.port) for rank in range(1, self.processes)]
            self._wait_until_ready(store)
            threading.Thread(target=self._watch, daemon=True, name="children").start()
            result = function(*args, **kwargs)
            self._wait_for_the_end()
            return result
        except BaseException as error:
            failed = self._first_failure(patience_s=2.0) if _may_follow_from_another(error) else None
            self._end_children()
            if failed is not None:
                raise failed from error
            raise
        finally:
            self.store = None

    def kill(self, signum: int) -> None:
        """Send a signal to the children."""
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signum)

    def _start(self, rank: int, port: int) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "LOCAL_RANK": str(rank),
            "NODE_RANK": "0",
            "WORLD_SIZE": str(self.processes),
            "MASTER_ADDR": HOST,
            "MASTER_PORT": str(port),
        }
        child = subprocess.Popen(
            [sys.executable, "-m", "gan_lightning.train.worker"], stdin=subprocess.PIPE, env=environment
        )
        assert child.stdin is not None
        # the import path of this process goes along, because every rank must find a loss that lies beside the script
        message = {**self.payload, "sys_path": [os.path.abspath(entry) for entry in sys.path]}
        child.stdin.write(json.dumps(message).encode() + b"\n")
        child.stdin.flush()
        return child

    def _wait_until_ready(self, store: TCPStore) -> None:
        """Wait until every child has built the run, because joining the group would hang if one could not."""
        waiting = [f"ready/{rank}" for rank in range(1, len(self.children) + 1)]
        deadline = time.monotonic() + START_TIMEOUT_S
        while not store.check(waiting):
            if (failed := self._first_failure()) is not None:
                raise failed
            if any(child.poll() == 0 for child in self.children):
                raise UserError("A process of this run ended before it had begun; what it printed stands above.")
            if time.monotonic() > deadline:
                raise UserError(f"The other processes were not ready within {START_TIMEOUT_S:.0f} s.")
            time.sleep(0.02)

    def _first_failure(self, patience_s: float = 0.0) -> ProcessFailed | None:
        deadline = time.monotonic() + patience_s
        while True:
            for rank, child in enumerate(self.children, start=1):
                if child.poll():
                    lost = f"Process {rank} of this run ended with status {child.returncode}"
                    if child.returncode < 0:
                        return ProcessKilled(f"{lost}.")
                    return ProcessFailed(f"{lost}{self._reason(rank)}")
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.02)

    def _reason(self, rank: int) -> str:
        store, key = self.store, FAILED.format(rank=rank)
        if store is None or not store.check([key]):
            return "; its message stands above."
        return f": {store.get(key).decode()}"

    def _watch(self) -> None:
        """End this process if a child failed and nobody noticed: with NCCL, it may wait in a collective for ever.

        With gloo this is not needed, because a lost peer raises at once.
        """
        while self._first_failure() is None:
            if all(child.poll() == 0 for child in self.children):
                return
            time.sleep(1.0)
        time.sleep(NOTICE_TIMEOUT_S)
        # the main thread would have emptied the list if it had noticed
        if any(child.returncode for child in self.children):
            sys.stderr.write(f"{self._first_failure()} This process did not notice and is ended too.\n")
            sys.stderr.flush()
            os._exit(1)

    def _wait_for_the_end(self) -> None:
        deadline = time.monotonic() + END_TIMEOUT_S
        for child in self.children:
            child.wait(timeout=max(1.0, deadline - time.monotonic()))
        failed = self._first_failure()
        self._end_children()
        if failed is not None:
            raise failed

    def _end_children(self) -> None:
        children, self.children = self.children, []
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def store_on_loopback(processes: int) -> TCPStore:
    """A store on a free port that only processes of this machine reach.

    Left to itself, the store listens on all interfaces, and asks nobody for a password.
    """
    listening = socket.create_server((HOST, 0))
    port = listening.getsockname()[1]
    # the store takes the descriptor over and closes it
    return TCPStore(HOST, port, processes, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach())


def _may_follow_from_another(error: BaseException) -> bool:
    """Whether an error may follow from the loss of another process, which gloo and NCCL report as a RuntimeError."""
    return isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError)
