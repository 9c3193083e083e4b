"""What the doctor gets to see: the scalars of a logging interval, and from time to time measurements of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

REAL = "accuracy/real"
FAKE = "accuracy/fake"


@dataclass(frozen=True)
class Interval:
    """The numbers of one logging interval.

    Args:
        iteration: The iteration at which the interval ended.
        images: Number of real images seen by then.
        scalars: The means over the interval by the names of their curves, such as loss/generator.
        growth: Norm of each player's weight matrices, as a multiple of what it was when training began.
        standing: Whether no weight of a player has changed in the interval, by the name of the player.
        broken: Number of parameters with numbers that are not finite, by the name of the player.
        distinct: Number of different images among those of the training set that were looked at.
        seen: Number of training images that were looked at.
        taught_by_d: Whether all of G's gradient comes from D, and none from a distance to its target or another term.
    """

    iteration: int
    images: int
    scalars: Mapping[str, float]
    growth: Mapping[str, float] = field(default_factory=dict)
    standing: Mapping[str, bool] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    distinct: int = 1000
    seen: int = 1000
    taught_by_d: bool = True

    def accuracies(self) -> Iterator[tuple[str, float, float]]:
        """For each discriminator the end of its curves' names, and its accuracies on real images and on fakes."""
        for name, real in self.scalars.items():
            suffix = name.removeprefix(REAL)
            if name.startswith(REAL) and (fake := self.scalars.get(FAKE + suffix)) is not None:
                yield suffix, real, fake

    def gaps(self) -> Iterator[tuple[str, float]]:
        """For each discriminator whose loss has no border the end of its curves' names, and `D(x) - D(G(z))`."""
        for name, real in self.scalars.items():
            suffix = name.removeprefix("logits/real")
            if name.startswith("logits/real") and REAL + suffix not in self.scalars:
                yield suffix, real - self.scalars[f"logits/fake{suffix}"]

    def to_dict(self) -> dict[str, Any]:
        """The interval as plain values, for a checkpoint."""
        return {**asdict(self), "scalars": dict(self.scalars)}


@dataclass(frozen=True)
class Look:
    """What a look at some samples of the averaged generator, or at some of its translations, has found.

    Args:
        iteration: The iteration of the look.
        images: Number of real images seen by then.
        variety: Mean distance between two fakes, as a multiple of that between two real images.
        duplicates: Share of the fakes that have a twin among the others; see :mod:`gan_lightning.health.samples`.
        classes: Share of the classes of the real images that the fakes cover; 1 without labels.
        told_apart: Accuracy with which a nearest neighbour tells fakes from real images: 1/2 if they are alike.
        saturated: Share of the fakes' values that lie at an end of [-1, 1] or beyond.
        saturated_real: The same share of the real images.
        distinct: Number of different real images in the look.
        copies: Share of the fakes that are nearer to a training image than all but 1 % of held-out images; None if
            this was not measured.
        spectral: Largest and smallest growth of a matrix's spectral norm since training began, by the names
            ``generator/most`` and so on.
    """

    iteration: int
    images: int
    variety: float = 1.0
    duplicates: float = 0.0
    classes: float = 1.0
    told_apart: float = 0.5
    saturated: float = 0.0
    saturated_real: float = 0.0
    distinct: int = 1000
    copies: float | None = None
    spectral: Mapping[str, float] = field(default_factory=dict)

    def curves(self) -> dict[str, float]:
        """The numbers that are drawn as curves, by name."""
        names = ("variety", "duplicates", "classes", "told_apart", "saturated")
        found = {f"health/{name}": float(getattr(self, name)) for name in names}
        return found if self.copies is None else {**found, "health/copies": self.copies}

    def to_dict(self) -> dict[str, Any]:
        """The look as plain values, for a checkpoint."""
        return {**asdict(self), "spectral": dict(self.spectral)}
