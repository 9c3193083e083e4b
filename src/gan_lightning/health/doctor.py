"""The doctor counts in how many observations in a row an illness shows, and says when one begins and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_lightning.health.diagnosis import Diagnosis
from gan_lightning.health.illness import Course, Illness
from gan_lightning.health.observations import Interval, Look


@dataclass
class Count:
    """Number of observations in a row in which an illness showed or did not, and whether it is found."""

    shown: int = 0
    hidden: int = 0
    found: bool = False


class Doctor:
    """Watches one run.

    Args:
        illnesses: The illnesses to look for.
    """

    def __init__(self, illnesses: Sequence[Illness]) -> None:
        self.illnesses = tuple(illnesses)
        self.course = Course()
        self.counts = {each.name: Count() for each in self.illnesses}
        self.history: list[dict[str, Any]] = []
        """All diagnoses so far as plain values, each with the iteration at which it was over or None."""

    @property
    def healthy(self) -> bool:
        """Whether nothing shows, not even once."""
        return not any(count.shown or count.found for count in self.counts.values())

    def examine(self, interval: Interval) -> tuple[list[Diagnosis], list[str]]:
        """Look for illnesses in the numbers of a logging interval.

        Returns:
            The illnesses that are found now, and the names of those that are over.
        """
        self.course.add(interval)
        return self._ask(False, interval.iteration, interval.images)

    def look(self, look: Look) -> tuple[list[Diagnosis], list[str]]:
        """Look for illnesses in a look at samples; returns the same as :meth:`examine`."""
        self.course.look = look
        return self._ask(True, look.iteration, look.images)

    def note(self, diagnosis: Diagnosis) -> None:
        """Add a diagnosis that was made elsewhere to the history."""
        self.history.append({**diagnosis.to_dict(), "over": None})

    def _ask(self, in_looks: bool, iteration: int, images: int) -> tuple[list[Diagnosis], list[str]]:
        found, over = [], []
        for illness in self.illnesses:
            if illness.in_looks is not in_looks:
                continue
            count, evidence = self.counts[illness.name], illness.evidence(self.course)
            count.shown, count.hidden = (0, count.hidden + 1) if evidence is None else (count.shown + 1, 0)
            if evidence is not None and not count.found and count.shown >= illness.after:
                count.found = True
                words = illness.words(evidence)
                found.append(Diagnosis(illness.name, words, illness.advice, dict(evidence), iteration, images))
                self.note(found[-1])
            elif count.found and count.hidden >= illness.until:
                count.found = False
                over.append(illness.name)
                self._close(illness.name, iteration)
        return found, over

    def _close(self, name: str, iteration: int) -> None:
        for each in self.history:
            if each["name"] == name and each["over"] is None:
                each["over"] = iteration

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know so that it finds the same."""
        return {
            "course": self.course.state_dict(),
            "counts": {name: dict(vars(count)) for name, count in self.counts.items()},
            "history": [dict(each) for each in self.history],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up :meth:`state_dict` again; illnesses that it does not know start anew."""
        self.course.load_state_dict(state["course"])
        self.counts |= {name: Count(**each) for name, each in state["counts"].items() if name in self.counts}
        self.history = [dict(each) for each in state["history"]]
