"""What a search varies and what it leaves: words of Hydra's grammar in, Optuna's distributions and words out."""

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
    """Of one search."""

    fixed: Mapping[str, str]
    """Words that every job has, by what they set."""
    varied: Mapping[str, BaseDistribution]
    """By what is set, as it was typed: ``optimizer.lr``, ``loss``, ``+schedule.x``."""

    def words(self, params: Mapping[str, Any]) -> list[str]:
        """The overrides of the job that has these parameters."""
        return [*self.fixed.values(), *(f"{key}={params[key]}" for key in self.varied)]

    def unnamed(self) -> str:
        """The word of Hydra's by which no job's folder is named after what is fixed, by the search itself too."""
        return f"{UNNAMED}=[{','.join(dict.fromkeys(key.lstrip('+~') for key in self.fixed))}]"

    def with_fixed(self, key: str, value: str) -> Space:
        """The same with one more word, before those that were typed."""
        return replace(self, fixed={key: f"{key}={value}", **self.fixed})

    def choices(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """The part of the parameters that may choose groups."""
        return tuple(params[key] for key, each in self.varied.items() if isinstance(each, CategoricalDistribution))

    def corners(self) -> list[dict[str, Any]]:
        """The first value of everything, then each further choice with it: enough to find what does not compose."""
        first = {key: _values(distribution)[0] for key, distribution in self.varied.items()}
        others = [first | {key: value} for key, each in self.varied.items() for value in _values(each)[1:]]
        return [first, *others]


def read_space(words: Sequence[str], config_loader: ConfigLoader) -> Space:
    """Sort words into what is fixed and what is searched; of two that set the same the last counts.

    ``a,b``, ``choice(a,b)`` and ``glob(*)`` are choices. ``range(1,9,2)`` and ``interval(1e-5,1e-3)`` are numbers,
    whole ones under ``int(...)``, and on a logarithmic scale under ``tag(log,...)``.

    Raises:
        UserError: Nothing is searched, or not in a way that Optuna knows.
        HydraException: A word is no override.
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
    """What Optuna calls the values that an override admits.

    Raises:
        UserError: They are empty, tagged by something else than log, or no logarithm of them is known.
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
    if isinstance(start, int) and isinstance(end, int):  # int(interval(...)): Hydra makes floats of the bare one
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
    """All choices; of numbers the lowest."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    return [distribution.low]
