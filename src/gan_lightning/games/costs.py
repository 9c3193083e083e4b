"""What a network costs: its parameters, and the multiply-adds of one image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gan_lightning.eval_mode import evaluating

BATCH = 2  # some networks compare the samples of a batch


class Cost(NamedTuple):
    """Of one network."""

    parameters: int
    multiply_adds: int | None
    """Of a forward pass for one image, in convolutions and matrix products; None where it can't be told."""

    def __str__(self) -> str:
        """As it is printed at the start of a run."""
        work = "" if self.multiply_adds is None else f", {self.multiply_adds / 1e6:,.2f} M multiply-adds an image"
        return f"{self.parameters:,} parameters{work}"


def cost(network: nn.Module, shape: tuple[int, ...] | None) -> Cost:
    """Parameters, and multiply-adds for one input of ``shape`` without the batch, or for none if that is None.

    The pass is one in evaluation mode and on the meta device: shapes alone, so that nothing is computed, drawn or
    changed.
    """
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if shape is None:
        return Cost(parameters, None)
    tensors = {name: _shape_of(tensor) for name, tensor in chain(network.named_parameters(), network.named_buffers())}
    x = torch.empty(BATCH, *shape, device="meta")
    y = torch.zeros(BATCH, dtype=torch.long, device="meta") if getattr(network, "num_classes", 0) else None
    try:
        with torch.no_grad(), evaluating(network), FloatingPointOperations() as counted:
            functional_call(network, tensors, (x, y))
    except Exception:  # a network of the user's own may hold tensors that are neither parameters nor buffers
        return Cost(parameters, None)
    return Cost(parameters, counted.total // (2 * BATCH))


class FloatingPointOperations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts those of convolutions and matrix products, two for each multiply-add.

    By torch's own formulas. Its FlopCounterMode also follows the tree of modules, which takes longer and fails where
    parameters are handed to a module as its input.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the operation and add what it costs."""
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        formula: Callable[..., int] | None = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **kwargs, out_val=result)
        return result


def _shape_of(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta")
