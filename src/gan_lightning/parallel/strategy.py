"""Data parallelism for GANs (DDP, multi-GPU): gradients are averaged once in each optimizer step.

Lightning's own DDP wraps the whole module in one reducer, which never completes when D's loss leaves G's parameters
without a gradient, and silently synchronises nothing when the backward pass goes around it. Here nothing is wrapped:
one all-reduce of the stepping player's gradients stands inside ``optimizer_step``, before the gradient scaler looks at
them, so that all processes step, clip and skip together. Nothing else is sent but averages of statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.distributed as dist
from lightning.fabric.utilities.seed import reset_seed
from lightning.pytorch import LightningModule
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.optim import Optimizer

from gan_lightning.parallel.gradients import average_gradients
from gan_lightning.parallel.launcher import WorkerLauncher


class GANStrategy(DDPStrategy):
    """Data parallelism for a game of several players, each of which has an optimizer of its own.

    Args:
        payload: What child processes need to build the same run (:mod:`gan_lightning.train.worker`). Without it,
            children are started as Lightning does, by running the script again.
        store: The store through which a child process finds the others.
        kwargs: Arguments of Lightning's ``DDPStrategy``, but for the options of the wrapper, which is not used here.
    """

    strategy_name = "gan"

    def __init__(self, payload: dict[str, Any] | None = None, store: dist.Store | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.payload = payload
        self.store = store

    def _configure_launcher(self) -> None:
        if self.payload is None:
            super()._configure_launcher()
        else:
            assert self.cluster_environment is not None
            self._launcher = WorkerLauncher(self.cluster_environment, self.num_processes, self.num_nodes, self.payload)

    def setup_distributed(self) -> None:
        """Join the process group, through the launcher's own store if there is one, so that no port can be taken."""
        store = self.store or getattr(self.launcher, "store", None)
        if store is None:
            super().setup_distributed()
            return
        reset_seed()
        self.set_world_ranks()
        self._process_group_backend = self._get_process_group_backend()
        store.set(f"ready/{self.local_rank}", "yes")
        dist.init_process_group(
            self._process_group_backend,
            store=store,
            rank=self.global_rank,
            world_size=self.world_size,
            timeout=self._timeout,
            device_id=self.root_device if self.root_device.type != "cpu" else None,
        )

    def configure_ddp(self) -> None:
        """Give every process the parameters and buffers of rank 0, which is all that is done in place of wrapping."""
        assert self.model is not None
        for tensor in (*self.model.parameters(), *self.model.buffers()):
            dist.broadcast(tensor.detach(), src=0)

    def optimizer_step(
        self,
        optimizer: Optimizer,
        closure: Callable[[], Any],
        model: LightningModule | nn.Module | None = None,
        **kwargs: Any,
    ) -> Any:
        """Average the gradients of this optimizer's parameters, and the statistics due with them, then step."""
        self.average_for(optimizer)
        return super().optimizer_step(optimizer, closure, model, **kwargs)

    def average_for(self, optimizer: Optimizer) -> None:
        """Average what must be the same in all processes before this optimizer steps."""
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        assert self.lightning_module is not None
        statistics_after = getattr(self.lightning_module, "statistics_after", lambda _: ())
        average_gradients(parameters, statistics_after(optimizer))

    def teardown(self) -> None:
        """Leave the process group, so that the next job of a sweep can make its own."""
        super().teardown()
        if dist.is_initialized():
            dist.destroy_process_group()
