"""The step of an optimizer without what torch does around it in every step.

Before its arithmetic an optimizer of torch looks up the state of each parameter, sorts tensors by device and dtype, and
asks which accelerators the machine has. The last is slow where there is none: Lightning sets
``PYTORCH_NVML_BASED_CUDA_CHECK``, and torch then looks for NVIDIA's library on disk in each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer
from torch.optim import optimizer as of_all_optimizers

Step = Callable[[], Any]
"""A function that applies the gradients once."""
KERNELS: dict[type[Optimizer], Callable[..., None]] = {Adam: torch._fused_adam_, AdamW: torch._fused_adamw_}
"""The kernels of the optimizers that can be stepped without torch's own way to them."""


def step_of(optimizer: Optimizer) -> Step:
    """The shortest way to do what ``optimizer.step()`` does."""
    if type(optimizer) in KERNELS and len(optimizer.param_groups) == 1 and "step" not in vars(optimizer):
        return FusedAdamStep(optimizer)
    return optimizer.step


def spare_questions(optimizer: Optimizer) -> None:
    """Let an optimizer on the CPU no longer ask for accelerators in each step, as none can capture its graph."""
    if all(p.device.type == "cpu" for group in optimizer.param_groups for p in group["params"]):
        vars(optimizer)["_accelerator_graph_capture_health_check"] = _nothing


class FusedAdamStep:
    """The step of torch's fused Adam or AdamW: the same kernel on the same tensors, which are looked up once.

    Options such as the learning rate are read in each step. A step that is not such a plain one is left to the
    optimizer: the first, one in which a parameter has no gradient, one with hooks, one with other options.

    Args:
        optimizer: An Adam or AdamW with one group of parameters.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.kernel = KERNELS[type(optimizer)]
        self._state: Any = None
        self._moments: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])

    @torch.no_grad()
    def __call__(self) -> None:
        """Apply the gradients."""
        optimizer = self.optimizer
        group = optimizer.param_groups[0]
        parameters: list[Tensor] = group["params"]
        gradients = [p.grad for p in parameters if p.grad is not None]
        if len(gradients) != len(parameters) or not _is_plain(optimizer, group):
            optimizer.step()
            return
        if optimizer.state is not self._state:
            if len(optimizer.state) != len(parameters) or not _are_alike(parameters):
                optimizer.step()  # which makes the state if this is the first step
                return
            self._look_up(parameters)
        means, squares, steps = self._moments
        beta1, beta2 = group["betas"]
        torch._foreach_add_(steps, 1)
        self.kernel(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            amsgrad=False,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
        )

    def _look_up(self, parameters: list[Tensor]) -> None:
        """Remember the tensors of the optimizer's state, which stay the same until another state is loaded."""
        self._state = state = self.optimizer.state
        means, squares, steps = ([state[p][name] for p in parameters] for name in ("exp_avg", "exp_avg_sq", "step"))
        self._moments = (means, squares, steps)


def _is_plain(optimizer: Optimizer, group: dict[str, Any]) -> bool:
    """Whether nobody hooked into the step, and the options are those of the plain kernel."""
    return (
        group["fused"] is True
        and not (group["amsgrad"] or group["capturable"] or group["differentiable"])
        and isinstance(group["lr"], float)
        and not (optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks)
        and not (of_all_optimizers._global_optimizer_pre_hooks or of_all_optimizers._global_optimizer_post_hooks)
    )


def _are_alike(parameters: list[Tensor]) -> bool:
    """Whether the tensors are of one kind, so that one call of the kernel can take them all."""
    return len({(p.device, p.dtype) for p in parameters}) == 1 and not parameters[0].is_complex()


def _nothing() -> None:
    """Stands in for torch's question about accelerators."""
