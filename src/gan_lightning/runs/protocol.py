"""The protocol of a number: on what and how it was measured. Two numbers are comparable only if their protocols agree.

This module needs no torch, so that a program which compares stored numbers starts in a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from gan_lightning.config.moved import protocol_up_to_date
from gan_lightning.errors import UserError

NEED_NOT_AGREE = frozenset({"seed", "versions"})
"""Fields that a number must not depend on; they are kept so that the number can be measured again."""


@dataclass(frozen=True)
class Protocol:
    """The facts that are stored with every number."""

    extractor: str
    """Name of the feature extractor."""
    extractor_hash: str
    """Hash of the extractor's weights."""
    data: str
    """Name of the data set."""
    split: str
    """Split of the data set that the real images are from: train or test."""
    data_hash: str
    """Hash of the real images' bytes."""
    n_real: int
    """Number of real images."""
    n_fake: int
    """Number of fakes."""
    resize: str
    """How the extractor resizes an image that is not of its size."""
    quantisation: str
    """How images in [-1, 1] become bytes."""
    generator: str
    """Kind of the generator's weights, averaged or raw, or what else made the fakes."""
    sampling: str
    """How z and labels are drawn and what batch norm does; truncation, for example, changes a number much."""
    metric: str = ""
    """The metric with its settings; see :meth:`measured_by`."""
    seed: int = 0
    """Seed of the fakes."""
    versions: Mapping[str, str | None] = field(default_factory=dict)
    """Versions of the libraries, by name."""

    def measured_by(self, metric: object) -> Protocol:
        """The protocol of this metric's numbers; the metric's ``repr`` names the settings that count."""
        return replace(self, metric=repr(metric))

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Protocol:
        """The protocol that :meth:`to_dict` was called on.

        Raises:
            UserError: If fields are missing or unknown.
        """
        stored = protocol_up_to_date(stored)
        names = [entry.name for entry in fields(cls)]
        if stored.keys() != set(names):
            missing, unknown = sorted(set(names) - stored.keys()), sorted(stored.keys() - set(names))
            raise UserError(
                "a stored protocol is not of this version of gan-lightning: "
                f"it lacks {missing or 'nothing'} and has {unknown or 'nothing'} beyond. Measure again."
            )
        return cls(**stored)

    def difference(self, other: Protocol) -> dict[str, tuple[Any, Any]]:
        """The fields that differ, with both values; seed and versions are left out, because they need not agree."""
        ours, theirs = self.to_dict(), other.to_dict()
        return {
            name: (ours[name], theirs[name])
            for name in ours
            if name not in NEED_NOT_AGREE and ours[name] != theirs[name]
        }


def require_same(a: Protocol, b: Protocol) -> None:
    """Refuse to compare two numbers that were measured differently.

    Raises:
        UserError: If the protocols differ; the message names the fields and both values.
    """
    if difference := a.difference(b):
        listing = ", ".join(f"{name} {ours!r} and {theirs!r}" for name, (ours, theirs) in difference.items())
        raise UserError(f"these numbers can't be compared, they differ in: {listing}. Measure both in the same way.")
