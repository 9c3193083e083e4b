"""Numbers of the game that change while it is played: which there are, and setting them before each iteration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from gan_lightning.errors import UserError
from gan_lightning.types import Schedule

if TYPE_CHECKING:
    from gan_lightning.games.gan import LitGAN

Setter = Callable[[float], None]


class Schedules:
    """Sets named numbers to functions of the real images shown so far; a resumed run needs nothing but that count.

    Args:
        schedules: By name, nested as in a yaml: ``{"generator": {"lr": Linear(...)}}`` or ``{"generator.lr": ...}``.
    """

    def __init__(self, schedules: Mapping[str, Any]) -> None:
        self._schedules = dict(_flat(schedules))
        self._setters: dict[str, Setter] = {}
        self.values: dict[str, float] = {}

    def bind(self, places: Mapping[str, Setter]) -> None:
        """Look up once what each schedule sets.

        Raises:
            UserError: There is no such place; the message says what there is.
        """
        for name in self._schedules:
            if name not in places:
                near = get_close_matches(name, places, 3, 0.7)
                hint = f"Did you mean {' or '.join(near)}? " if near else ""
                raise UserError(f"Nothing can be scheduled at {name!r}. {hint}There are: {', '.join(sorted(places))}.")
        self._setters = {name: places[name] for name in self._schedules}

    def apply(self, images: int) -> None:
        """Set everything to its value after ``images`` real images."""
        for name, schedule in self._schedules.items():
            self.values[name] = schedule(images)
            self._setters[name](self.values[name])


def places_of(game: LitGAN, optimizers: Mapping[str, Optimizer]) -> dict[str, Setter]:
    """Every number of a game that can be scheduled, and what sets it.

    These are the numeric options of the optimizers, and whatever the loss, the penalties, constraints, terms,
    augmentations and the moving average take as a float: ``generator.lr``, ``discriminator.beta2``,
    ``penalty.r1.gamma``, ``loss.label_smoothing``, ``augment.instance_noise.std``, ``ema.half_life_kimg``, ...
    """
    places: dict[str, Setter] = {}
    for player, optimizer in optimizers.items():
        for option in _options(optimizer):
            places[f"{player}.{option}"] = partial(_set_option, optimizer, option)
    named: tuple[tuple[str, dict[str, Any]], ...] = (
        ("penalty", game.penalties),
        ("constraint", game.constraints),
        ("term", game.discriminator_terms),
        ("term", game.generator_terms),
    )
    for group, parts in named:
        for name, part in parts.items():
            for field in _floats(part):
                places[f"{group}.{name}.{field}"] = partial(_set_entry, parts, name, field)
    for field in _floats(game.loss):
        places[f"loss.{field}"] = partial(_set_loss, game, field)
    for path, module in game.augment.named_modules():
        for attribute in _floats(module):
            places[f"augment.{path}.{attribute}"] = partial(setattr, module, attribute)
    for attribute in _floats(game.average):
        places[f"ema.{attribute}"] = partial(setattr, game.average, attribute)
    return places


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
    """Its numeric options, with Adam's pair as beta1 and beta2."""
    for option, value in optimizer.param_groups[0].items():
        if option == "betas":
            yield from ("beta1", "beta2")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield option


def _floats(part: object) -> list[str]:
    """What its constructor takes as a float and it keeps under the same name."""
    try:
        parameters = inspect.signature(type(part)).parameters.values()
    except ValueError:  # written in C
        return []
    return [p.name for p in parameters if p.annotation in (float, "float") and hasattr(part, p.name)]


def _set_option(optimizer: Optimizer, option: str, value: float) -> None:
    for group in optimizer.param_groups:
        if option in ("beta1", "beta2"):
            beta1, beta2 = group["betas"]
            group["betas"] = (value, beta2) if option == "beta1" else (beta1, value)
        else:
            group[option] = value


def _set_entry(parts: dict[str, Any], name: str, field: str, value: float) -> None:
    parts[name] = _with(parts[name], field, value)


def _set_loss(game: LitGAN, field: str, value: float) -> None:
    game.loss = _with(game.loss, field, value)


def _with(part: Any, field: str, value: float) -> Any:
    """A frozen part as a new one, whose constructor checks the value again."""
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{field: value})
    setattr(part, field, value)
    return part
