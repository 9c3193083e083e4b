"""What a number was measured on: two numbers are comparable where these agree, and nowhere else.

It needs no torch: what compares stored numbers starts in a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from gan_lightning.config.moved import protocol_up_to_date
from gan_lightning.errors import UserError

NEED_NOT_AGREE = frozenset({"seed", "versions"})
"""A number must not hang on them; they are kept so that it can be measured again."""


@dataclass(frozen=True)
class Protocol:
    """Stored with every number."""

    extractor: str
    """Its name."""
    extractor_hash: str
    """Of its weights."""
    data: str
    """The data set's name."""
    split: str
    """The real images': train, test."""
    data_hash: str
    """Of the real images' bytes."""
    n_real: int
    n_fake: int
    resize: str
    """What the extractor does to an image that is not of its size."""
    quantisation: str
    """How images in [-1, 1] become bytes."""
    generator: str
    """Raw or averaged, or what else the fakes are."""
    sampling: str
    """How z and labels are drawn and what batch norm does: truncation is no detail."""
    metric: str = ""
    """The metric with its settings; see :meth:`measured_by`."""
    seed: int = 0
    versions: Mapping[str, str | None] = field(default_factory=dict)
    """Of the libraries."""

    def measured_by(self, metric: object) -> Protocol:
        """The protocol of this metric's numbers; its ``repr`` names the settings that count."""
        return replace(self, metric=repr(metric))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Protocol:
        """What :meth:`to_dict` gave.

        Raises:
            UserError: if fields are missing or unknown.
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
        """The fields that must agree and don't, with both values: all but seed and versions must."""
        ours, theirs = self.to_dict(), other.to_dict()
        return {
            name: (ours[name], theirs[name])
            for name in ours
            if name not in NEED_NOT_AGREE and ours[name] != theirs[name]
        }


def require_same(a: Protocol, b: Protocol) -> None:
    """Let two numbers be compared, or not.

    Raises:
        UserError: if they were measured differently; it names how.
    """
    if difference := a.difference(b):
        listing = ", ".join(f"{name} {ours!r} and {theirs!r}" for name, (ours, theirs) in difference.items())
        raise UserError(f"these numbers can't be compared, they differ in: {listing}. Measure both in the same way.")
