"""The search space: turns overrides in Hydra's grammar into Optuna's distributions, and a trial into overrides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from gan_lightning.config.job_names import UNNAMED
from gan_lightning.errors import UserError


@dataclass(frozen=True)
class Space:
    """The options that a search varies, and those that all of its jobs share."""

    fixed: Mapping[str, str]
    """Overrides that every job has, by the key that they set."""
    varied: Mapping[str, BaseDistribution]
    """Distributions of the options that are searched, by key as it was typed: ``optimizer.lr``, ``+schedule.x``."""

    def words(self, params: Mapping[str, Any]) -> list[str]:
        """The overrides of the job that has these parameters."""
        return [*self.fixed.values(), *(f"{key}={params[key]}" for key in self.varied)]

    def unnamed(self) -> str:
        """The override by which Hydra leaves the fixed options out of the name of a job's folder.

        It covers those that were typed and those that the search itself has added.
        """
        return f"{UNNAMED}=[{','.join(dict.fromkeys(key.lstrip('+~') for key in self.fixed))}]"

    def with_fixed(self, key: str, value: str) -> Space:
        """This space with one more fixed override, placed before those that were typed."""
        return replace(self, fixed={key: f"{key}={value}", **self.fixed})

    def choices(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of those parameters that are choices, because only these can be choices of a config group."""
        return tuple(params[key] for key, each in self.varied.items() if isinstance(each, CategoricalDistribution))

    def corners(self) -> list[dict[str, Any]]:
        """A few parameter sets in which every choice occurs once, to find choices that do not compose.

        The first set has the first value of everything; each further set differs from it in one choice.
        """
        first = {key: _values(distribution)[0] for key, distribution in self.varied.items()}
        others = [first | {key: value} for key, each in self.varied.items() for value in _values(each)[1:]]
        return [first, *others]


def read_space(words: Sequence[str], config_loader: ConfigLoader) -> Space:
    """Sort overrides into those that are fixed and those that are searched; if two set the same key, the last counts.

    ``a,b``, ``choice(a,b)`` and ``glob(*)`` are choices. ``range(1,9,2)`` and ``interval(1e-5,1e-3)`` are numbers;
    ``int(...)`` around them makes them whole and ``tag(log,...)`` puts them on a logarithmic scale.

    Raises:
        UserError: If nothing is searched, or if Optuna has no distribution for what is searched.
        HydraException: If a word can't be parsed as an override.
    """
    parsed = OverridesParser.create(config_loader=config_loader).parse_overrides(list(words))
    by_key = {override.get_key_element(): override for override in parsed}
    varied = {key: distribution(each) for key, each in by_key.items() if each.is_sweep_override()}
    if not varied:
        raise UserError(
            "There is nothing to search: give an option several values, such as loss=hinge,wgan_gp or "
            "'optimizer.lr=tag(log,interval(1e-5,1e-3))'."
        )
    return Space({key: str(each.input_line) for key, each in by_key.items() if key not in varied}, varied)


def distribution(override: Override) -> BaseDistribution:
    """Optuna's distribution over the values that an override admits.

    Raises:
        UserError: If there are no values, if the tag is not ``log``, or if the values have no logarithm.
    """
    value: Any = override.value()
    tags: set[str] = getattr(value, "tags", set())
    make = _NUMBERS.get(type(value))
    if tags - ({"log"} if make else set()):
        raise UserError(f"{override.input_line}: the only tag is log, for a range or an interval of numbers.")
    try:
        if make is not None:
            return make(value, "log" in tags)
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    except ValueError as error:
        raise UserError(f"{override.input_line}: {error}") from error


def _interval(interval: IntervalSweep, log: bool) -> BaseDistribution:
    start, end = interval.start, interval.end
    assert start is not None
    assert end is not None
    if isinstance(start, int) and isinstance(end, int):  # from int(interval(...)); a bare interval has float ends
        return IntDistribution(start, end, log=log)
    return FloatDistribution(start, end, log=log)


def _range(numbers: RangeSweep, log: bool) -> BaseDistribution:
    values = list(numbers.range())
    if not values:
        raise ValueError("this range is empty.")
    step = abs(numbers.step)
    if all(isinstance(value, int) for value in values):
        return IntDistribution(int(min(values)), int(max(values)), log=log, step=int(step))
    return FloatDistribution(float(min(values)), float(max(values)), log=log, step=float(step))


_NUMBERS: dict[type, Callable[[Any, bool], BaseDistribution]] = {IntervalSweep: _interval, RangeSweep: _range}


def _values(distribution: BaseDistribution) -> Sequence[Any]:
    """All values of a choice, or only the lowest number of a range or an interval."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    return [distribution.low]
