"""The base of all illnesses, and what they may ask about the course of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from gan_lightning.health.observations import Interval, Look

MEMORY = 24
"""Number of logging intervals that the doctor remembers."""
EARLY = 3
"""Number of first intervals that say what a gradient norm was like in the beginning."""
NORM = "gradient_norm/"
LOSS = "loss/"
CURVES = ("losses", "growth", "early")
TINY = 1e-12


class Course:
    """The latest observations of a run, and of the intervals before them the few curves that somebody asks for.

    These are plain lists of numbers, so that nothing that the garbage collector must visit piles up.
    """

    def __init__(self) -> None:
        self.now = Interval(0, 0, {})
        """The latest interval."""
        self.look: Look | None = None
        """The latest look at samples."""
        self.losses: dict[str, list[float]] = {}
        """The losses of the intervals that are remembered, by name."""
        self.growth: dict[str, list[float]] = {}
        """The growth of each player's weights in these intervals."""
        self.early: dict[str, list[float]] = {}
        """The gradient norms of the first intervals, by name."""

    def add(self, interval: Interval) -> None:
        """Note an interval."""
        self.now = interval
        for name, value in interval.scalars.items():
            if name.startswith(LOSS):
                _append(self.losses, name, value)
            if name.startswith(NORM) and len(self.early.get(name, ())) < EARLY:
                _append(self.early, name, value)
        for player, value in interval.growth.items():
            _append(self.growth, player, value)

    def at_first(self, player: str) -> float:
        """The largest gradient norm of a player in the first intervals; 0 if there were none."""
        return max(self.early.get(NORM + player, ()), default=0.0)

    def least_growth(self, player: str) -> float:
        """The smallest growth of a player's weights among the intervals that are remembered.

        As long as they reach back to the beginning, that is the 1 of the beginning, too.
        """
        known = self.growth.get(player, [])
        beginning = [] if len(known) == MEMORY else [1.0]
        return max(min([*known, *beginning]), TINY)

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint keeps, so that a resumed run goes on with the same course."""
        return {
            "now": self.now.to_dict(),
            "look": None if self.look is None else self.look.to_dict(),
            **{name: _copied(getattr(self, name)) for name in CURVES},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up :meth:`state_dict` again."""
        self.now = Interval(**state["now"])
        self.look = None if state["look"] is None else Look(**state["look"])
        self.losses, self.growth, self.early = (_copied(state[name]) for name in CURVES)


def _append(curves: dict[str, list[float]], name: str, value: float) -> None:
    known = curves.setdefault(name, [])
    known.append(value)
    del known[:-MEMORY]


def _copied(curves: Mapping[str, list[float]]) -> dict[str, list[float]]:
    return {name: list(values) for name, values in curves.items()}


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
