"""The cost of a network: its parameters, and the multiply-adds of a forward pass for one image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gan_lightning.networks.eval_mode import evaluating

BATCH = 2  # because some networks compare the samples of a batch


class Cost(NamedTuple):
    """The cost of one network."""

    parameters: int
    multiply_adds: int | None
    """Multiply-adds of convolutions and matrix products in a forward pass for one image; None if they are not known."""

    def __str__(self) -> str:
        """The cost in the words that are printed at the start of a run."""
        work = "" if self.multiply_adds is None else f", {self.multiply_adds / 1e6:,.2f} M multiply-adds an image"
        return f"{self.parameters:,} parameters{work}"


def cost(network: nn.Module, shape: tuple[int, ...] | None) -> Cost:
    """The parameters of a network, and the multiply-adds of a forward pass for one input.

    The pass is made in evaluation mode on the meta device, where tensors have only shapes, so that nothing is computed,
    drawn or changed.

    Args:
        network: The network.
        shape: The shape of one input without the batch; if it is None, multiply-adds are not counted.
    """
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if shape is None:
        return Cost(parameters, None)
    tensors = {name: _shape_of(tensor) for name, tensor in chain(network.named_parameters(), network.named_buffers())}
    x = torch.empty(BATCH, *shape, device="meta")
    y = torch.zeros(BATCH, dtype=torch.long, device="meta") if getattr(network, "num_classes", 0) else None
    try:
        with torch.no_grad(), evaluating(network), FloatingPointOperations() as counted:
            functional_call(network, tensors, (x, y) if _takes_labels(network) else (x,))
    except Exception:  # a user's own network may hold tensors that are neither parameters nor buffers
        return Cost(parameters, None)
    return Cost(parameters, counted.total // (2 * BATCH))


class FloatingPointOperations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the floating point operations of convolutions and matrix products, two for each multiply-add.

    The formulas are torch's own. Torch's FlopCounterMode also follows the tree of modules, which takes longer and fails
    if parameters are handed to a module as its input.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the operation and add its cost to ``total``."""
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        formula: Callable[..., int] | None = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **kwargs, out_val=result)
        return result


def _takes_labels(network: nn.Module) -> bool:
    """Whether the network's forward pass has a second argument, which a network from images to images has not."""
    return len(signature(network.forward).parameters) > 1


def _shape_of(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta")
