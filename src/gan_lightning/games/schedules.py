"""Values as functions of the real images shown so far; every one implements :class:`gan_lightning.types.Schedule`.

kimg is a thousand images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi

from gan_lightning.errors import UserError


@dataclass(frozen=True)
class Constant:
    """Always ``value``."""

    value: float

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        return self.value


@dataclass(frozen=True)
class Linear:
    """``start`` until ``after_kimg``, then a straight line to ``end`` within ``kimg``, then ``end``."""

    start: float
    end: float
    kimg: float
    after_kimg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a schedule that takes no time."""
        _require_positive(self.kimg)

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        return self.start + (self.end - self.start) * _progress(images, self.kimg, self.after_kimg)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine wave from ``start`` to ``end`` within ``kimg``, then ``end``.

    Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983, eq. 5, without restarts.
    """

    start: float
    end: float
    kimg: float

    def __post_init__(self) -> None:
        """Refuse a schedule that takes no time."""
        _require_positive(self.kimg)

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        return self.end + (self.start - self.end) * (1 + cos(pi * _progress(images, self.kimg))) / 2


@dataclass(frozen=True)
class Step:
    """``start``, multiplied by ``factor`` at each of ``at_kimg``."""

    start: float
    at_kimg: Sequence[float]
    factor: float

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        return float(self.start * self.factor ** sum(images >= 1000 * kimg for kimg in self.at_kimg))


@dataclass(frozen=True)
class InverseTime:
    """``start`` / (1 + ``decay`` * step), where a step is ``batch_size`` images: Keras' "decay" of a learning rate."""

    start: float
    decay: float
    batch_size: int

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        return self.start / (1 + self.decay * (images / self.batch_size))


def _progress(images: int, kimg: float, after_kimg: float = 0.0) -> float:
    """How much of the way from ``after_kimg`` to ``after_kimg + kimg`` is done, from 0 to 1."""
    return min(max((images / 1000 - after_kimg) / kimg, 0.0), 1.0)


def _require_positive(kimg: float | None) -> None:
    if kimg is None:  # ${kimg} of a run whose length was given otherwise
        raise UserError("A schedule lasts as long as the run, so its length is needed in images: give kimg=...")
    if kimg <= 0:
        raise UserError(f"A schedule's kimg is {kimg}, but must be more than 0: it is how long the change takes.")
