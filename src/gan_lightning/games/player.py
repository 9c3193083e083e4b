"""The sides of a game as their optimizers see them."""

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
    """A side of the game: the parameters of its networks that train, and the optimizer that steps them."""

    name: str
    parameters: list[nn.Parameter]
    optimizer: Optimizer
    options: list[dict[str, Any]]
    """Options of each parameter group, as configured."""
    counted: bool
    """Whether Lightning counts the steps of this player as those of training (``trainer.global_step``)."""

    @classmethod
    def of(cls, name: str, networks: Iterable[nn.Module], factory: OptimizerFactory, counted: bool) -> Player:
        """Make the optimizer of all parameters of ``networks`` that train.

        Raises:
            UserError: If the optimizer does not take its options.
        """
        parameters = [p for network in networks for p in network.parameters() if p.requires_grad]
        try:
            optimizer = factory(parameters)
        except (TypeError, ValueError) as error:
            raise UserError(f"optimizer.{name}: {error}") from error
        except Exception as error:  # such as an IndexError for betas of one number
            given = ", ".join(f"{key}={value}" for key, value in getattr(factory, "keywords", {}).items())
            raise UserError(f"optimizer.{name} does not take its options ({given}): {error}") from error
        options = [{key: group[key] for key in group if key != "params"} for group in optimizer.param_groups]
        return cls(name, parameters, optimizer, options, counted)

    def restore_options(self) -> None:
        """Give the configuration the last word: a checkpoint restores its own learning rates and betas."""
        for group, options in zip(self.optimizer.param_groups, self.options, strict=True):
            group.update(options)


@contextmanager
def frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Let these parameters take no gradient inside, so that the generator's step computes none for D."""
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
