"""Numbers of a game that can change while it is played: find out which exist, and set them before each iteration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import partial
from typing import Any

from torch import nn
from torch.optim import Optimizer

from gan_lightning.config.near_matches import did_you_mean
from gan_lightning.errors import UserError
from gan_lightning.types import Schedule

Place = Callable[[float], None]
"""A function that sets one number of the game to a value."""


class Schedules:
    """Schedules that set numbers of a game, by the names of the numbers.

    Each is a function of the number of real images shown so far, so a resumed run needs nothing but that count.

    Args:
        schedules: Schedules by name, which may be nested as in a yaml: ``{"generator": {"lr": Linear(...)}}`` or
            ``{"generator.lr": Linear(...)}``.
    """

    def __init__(self, schedules: Mapping[str, Any]) -> None:
        self._schedules = dict(_flat(schedules))
        self._setters: dict[str, Place] = {}
        self.values: dict[str, float] = {}

    def bind(self, places: Mapping[str, Place]) -> None:
        """Look up, once, the number that each schedule sets.

        Args:
            places: Functions that set the game's numbers, by the names of the numbers.

        Raises:
            UserError: If there is no number of a schedule's name; the message says which there are.
        """
        for name in self._schedules:
            if name not in places:
                hint = did_you_mean(name, places, most=3, alike=0.7)
                raise UserError(f"Nothing can be scheduled at {name!r}.{hint} There are: {', '.join(sorted(places))}.")
        self._setters = {name: places[name] for name in self._schedules}

    def apply(self, images: int) -> None:
        """Set every scheduled number to its value after ``images`` real images."""
        for name, schedule in self._schedules.items():
            self.values[name] = schedule(images)
            self._setters[name](self.values[name])


def places_of_player(player: str, optimizer: Optimizer) -> dict[str, Place]:
    """Functions that set the numeric options of a player's optimizer, such as ``generator.lr``, by their names."""
    return {f"{player}.{option}": partial(_set_option, optimizer, option) for option in _options(optimizer)}


def places_of_part(name: str, holder: dict[str, Any], key: str) -> dict[str, Place]:
    """Functions that set the floats of a part of the game, such as ``penalty.r1.gamma``, by their names.

    Args:
        name: The name of the part.
        holder: The dictionary that holds the part; a frozen part is replaced in it by one with the new value.
        key: The key of the part in ``holder``.
    """
    return {f"{name}.{field}": partial(_set_field, holder, key, field) for field in _floats(holder[key])}


def places_of_module(name: str, module: nn.Module) -> dict[str, Place]:
    """Functions that set the floats of a module and of those below it, such as ``augment.instance_noise.std``."""
    return {
        f"{name}.{path}.{attribute}" if path else f"{name}.{attribute}": partial(setattr, part, attribute)
        for path, part in module.named_modules()
        for attribute in _floats(part)
    }


def _flat(schedules: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Schedule]]:
    for name, value in schedules.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif not callable(value):
            raise UserError(
                f"schedule.{prefix}{name} is {value!r} and no schedule: give it a _target_, such as "
                "gan_lightning.games.schedules.Linear."
            )
        else:
            yield f"{prefix}{name}", value


def _options(optimizer: Optimizer) -> Iterator[str]:
    """Names of an optimizer's numeric options, with Adam's pair ``betas`` as beta1 and beta2."""
    for option, value in optimizer.param_groups[0].items():
        if option == "betas":
            yield from ("beta1", "beta2")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield option


def _floats(part: object) -> list[str]:
    """Names of the floats that the constructor of a part takes and that the part keeps under the same name."""
    try:
        parameters = inspect.signature(type(part)).parameters.values()
    except ValueError:  # if it is written in C
        return []
    return [p.name for p in parameters if p.annotation in (float, "float") and hasattr(part, p.name)]


def _set_option(optimizer: Optimizer, option: str, value: float) -> None:
    for group in optimizer.param_groups:
        if option in ("beta1", "beta2"):
            beta1, beta2 = group["betas"]
            group["betas"] = (value, beta2) if option == "beta1" else (beta1, value)
        else:
            group[option] = value


def _set_field(holder: dict[str, Any], key: str, field: str, value: float) -> None:
    """Set a field of a part, replacing a frozen part by a new one, whose constructor checks the value."""
    part = holder[key]
    if is_dataclass(part) and not isinstance(part, type):
        holder[key] = replace(part, **{field: value})
    else:
        setattr(part, field, value)
