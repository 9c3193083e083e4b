"""The two sides of the game as their optimizers see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from gan_lightning.errors import UserError

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class Player:
    """A network's parameters that train, and what steps them."""

    name: str
    parameters: list[nn.Parameter]
    optimizer: Optimizer
    options: list[dict[str, Any]]
    """Of each parameter group, as configured."""

    @classmethod
    def of(cls, name: str, network: nn.Module, factory: OptimizerFactory) -> Player:
        """Make the optimizer of ``network``.

        Raises:
            UserError: The optimizer does not take its options.
        """
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        try:
            optimizer = factory(parameters)
        except (TypeError, ValueError) as error:
            raise UserError(f"optimizer.{name}: {error}") from error
        options = [{key: group[key] for key in group if key != "params"} for group in optimizer.param_groups]
        return cls(name, parameters, optimizer, options)

    def restore_options(self) -> None:
        """Give the configuration the last word: a checkpoint restores its own learning rates and betas."""
        for group, options in zip(self.optimizer.param_groups, self.options, strict=True):
            group.update(options)


@contextmanager
def frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Those that can be trained take no gradient inside: G's step then computes none for D."""
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
