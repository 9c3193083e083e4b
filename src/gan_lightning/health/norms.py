"""Norms of the players' weights, beside what they were when training began."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_lightning.games.base import Game

ITERATIONS = 8
"""Steps of power iteration, which find the largest singular value to a few percent."""


class Weighed(NamedTuple):
    """The findings of one weighing of a player."""

    growth: float
    """The norm of all matrices, as a multiple of the first one."""
    standing: bool
    """Whether no norm differs from that of the last weighing."""
    broken: int
    """Number of parameters with a value that is not finite."""


class Scale:
    """Weighs the players of a game; reads from the device once for each player.

    Args:
        game: The game, whose players are built.
    """

    def __init__(self, game: Game) -> None:
        self.parameters = {name: list(player.parameters) for name, player in game.players.items()}
        self.first: dict[str, float] = {}
        """The norm of each player's matrices when training began."""
        self.last: dict[str, list[float]] = {}
        """The norms of all parameters of each player at the last weighing."""
        self.first_spectral: dict[str, list[float]] = {}
        """The spectral norms of each player's matrices when training began."""

    def begin(self) -> None:
        """Take the weights as they are for those that training began with."""
        for player, parameters in self.parameters.items():
            self.last[player] = norms(parameters)
            self.first[player] = self._whole(player, self.last[player])
            self.first_spectral[player] = spectral_norms(parameters)

    def weigh(self) -> dict[str, Weighed]:
        """Weigh every player."""
        found = {}
        for player, parameters in self.parameters.items():
            now = norms(parameters)
            first = self.first[player]
            growth = self._whole(player, now) / first if first > 0 else 1.0
            broken = sum(not math.isfinite(norm) for norm in now)
            found[player] = Weighed(growth, now == self.last[player], broken)
            self.last[player] = now
        return found

    def spectral(self) -> dict[str, float]:
        """The largest and the smallest growth of a matrix's spectral norm, for each player."""
        found: dict[str, float] = {}
        for player, parameters in self.parameters.items():
            pairs = zip(spectral_norms(parameters), self.first_spectral[player], strict=True)
            if growth := [now / first for now, first in pairs if first > 0]:
                found |= {f"{player}/most": max(growth), f"{player}/least": min(growth)}
        return found

    def _whole(self, player: str, each: Sequence[float]) -> float:
        pairs = zip(self.parameters[player], each, strict=True)
        return math.sqrt(sum(norm * norm for parameter, norm in pairs if parameter.ndim > 1))

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint keeps, so that a resumed run weighs against the same beginning."""
        return {
            "first": dict(self.first),
            "last": {player: list(values) for player, values in self.last.items()},
            "first_spectral": {player: list(values) for player, values in self.first_spectral.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up :meth:`state_dict` again."""
        self.first = dict(state["first"])
        self.last = {player: list(values) for player, values in state["last"].items()}
        self.first_spectral = {player: list(values) for player, values in state["first_spectral"].items()}


@torch.no_grad()
def norms(parameters: Sequence[nn.Parameter]) -> list[float]:
    """The 2-norm of each parameter."""
    if not parameters:
        return []
    values: list[float] = torch.stack([norm.float() for norm in torch._foreach_norm(list(parameters))]).tolist()
    return values


@torch.no_grad()
def spectral_norms(parameters: Sequence[nn.Parameter]) -> list[float]:
    """The largest singular value of each matrix; a convolution's has a row for each output (Miyato et al. 2018)."""
    found = [spectral_norm(parameter.detach().float().flatten(1)) for parameter in parameters if parameter.ndim > 1]
    values: list[float] = torch.stack(found).tolist() if found else []
    return values


def spectral_norm(matrix: Tensor) -> Tensor:
    """The largest singular value [], by power iteration from the longest row, which draws no random numbers."""
    v = matrix[matrix.norm(dim=1).argmax()]
    for _ in range(ITERATIONS):
        v = nn.functional.normalize(matrix.T @ (matrix @ nn.functional.normalize(v, dim=0)), dim=0)
    norm: Tensor = torch.linalg.vector_norm(matrix @ v)
    return norm
