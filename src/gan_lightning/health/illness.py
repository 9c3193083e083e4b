"""The base of all illnesses, and what they may ask about the course of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from gan_lightning.health.observations import Interval, Look

MEMORY = 24
"""Number of logging intervals that the doctor remembers."""
EARLY = 3
"""Number of first intervals that say what a gradient norm was like in the beginning."""
NORM = "gradient_norm/"
TINY = 1e-12


class Course:
    """The last observations of a run, in order."""

    def __init__(self) -> None:
        self.intervals: deque[Interval] = deque(maxlen=MEMORY)
        self.look: Look | None = None
        """The latest look at samples."""
        self.early: dict[str, list[float]] = {}
        """The gradient norms of the first intervals, by name."""

    def add(self, interval: Interval) -> None:
        """Note an interval."""
        self.intervals.append(interval)
        for name, value in interval.scalars.items():
            if name.startswith(NORM) and len(known := self.early.setdefault(name, [])) < EARLY:
                known.append(value)

    @property
    def now(self) -> Interval:
        """The latest interval."""
        return self.intervals[-1]

    def at_first(self, player: str) -> float:
        """The largest gradient norm of a player in the first intervals; 0 if there were none."""
        return max(self.early.get(NORM + player, ()), default=0.0)

    def least_growth(self, player: str) -> float:
        """The smallest growth of a player's weights among the intervals that are remembered.

        As long as they reach back to the beginning, that is the 1 of the beginning, too.
        """
        least = min((each.growth[player] for each in self.intervals if player in each.growth), default=1.0)
        return max(least if len(self.intervals) == MEMORY else min(least, 1.0), TINY)

    def series(self, name: str) -> list[float]:
        """A curve over the intervals that are remembered."""
        return [each.scalars[name] for each in self.intervals if name in each.scalars]

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {
            "intervals": [each.to_dict() for each in self.intervals],
            "look": None if self.look is None else self.look.to_dict(),
            "early": {name: list(values) for name, values in self.early.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up :meth:`state_dict` again."""
        self.intervals = deque((Interval(**each) for each in state["intervals"]), maxlen=MEMORY)
        self.look = None if state["look"] is None else Look(**state["look"])
        self.early = {name: list(values) for name, values in state["early"].items()}


class Illness(ABC):
    """Something that goes wrong in GANs. A subclass says which numbers show it, and what to do.

    An illness is found if it shows in ``after`` observations in a row, and is over if it does not show in ``until`` in
    a row, so that one noisy interval neither raises nor ends an alarm.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    advice: ClassVar[str]
    after: ClassVar[int] = 3
    until: ClassVar[int] = 3
    in_looks: ClassVar[bool] = False
    """Whether it is looked for in each look at samples, and not in each logging interval."""
    curable: ClassVar[bool] = True
    """Whether smaller learning rates may help."""

    @abstractmethod
    def evidence(self, course: Course) -> Mapping[str, float] | None:
        """The numbers that show the illness now, by name, or None if nothing does."""

    def words(self, evidence: Mapping[str, float]) -> str:
        """The sentence that says what is wrong, given what shows it."""
        return self.sentence.format(**{name.replace("/", "_"): value for name, value in evidence.items()})
