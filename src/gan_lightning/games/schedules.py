"""Schedules: functions from the number of real images shown so far to a value (:class:`gan_lightning.types.Schedule`).

One kimg is a thousand images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi

from gan_lightning.errors import UserError


@dataclass(frozen=True)
class Constant:
    """A schedule that is always ``value``."""

    value: float

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images have been shown."""
        return self.value


@dataclass(frozen=True)
class Linear:
    """A schedule that is ``start`` until ``after_kimg``, then a straight line to ``end`` in ``kimg``, then ``end``."""

    start: float
    end: float
    kimg: float
    after_kimg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a schedule without a length.

        Raises:
            UserError: If ``kimg`` is None or not positive.
        """
        _require_positive(self.kimg)

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images have been shown."""
        return self.start + (self.end - self.start) * _progress(images, self.kimg, self.after_kimg)


@dataclass(frozen=True)
class ConstantThenLinear:
    """``start`` for the share ``constant`` of ``kimg``, then a straight line to ``end`` at ``kimg``, then ``end``.

    The learning rate of CycleGAN and Pix2Pix: constant for the first half, then linear to 0 (Zhu et al. 2017,
    https://arxiv.org/abs/1703.10593, sec. 4).
    """

    start: float
    end: float
    kimg: float
    constant: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a schedule that takes no time, or whose line does not.

        Raises:
            UserError: If ``kimg`` is not more than 0, or ``constant`` is not at least 0 and less than 1.
        """
        _require_positive(self.kimg)
        if not 0 <= self.constant < 1:
            raise UserError(f"A schedule's share constant is {self.constant}, but must be at least 0 and less than 1.")

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images."""
        after = self.constant * self.kimg
        return self.start + (self.end - self.start) * _progress(images, self.kimg - after, after)


@dataclass(frozen=True)
class Cosine:
    """A schedule that is half a cosine wave from ``start`` to ``end`` within ``kimg``, then ``end``.

    It is eq. 5 of Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983, without restarts.
    """

    start: float
    end: float
    kimg: float

    def __post_init__(self) -> None:
        """Refuse a schedule without a length.

        Raises:
            UserError: If ``kimg`` is None or not positive.
        """
        _require_positive(self.kimg)

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images have been shown."""
        return self.end + (self.start - self.end) * (1 + cos(pi * _progress(images, self.kimg))) / 2


@dataclass(frozen=True)
class Step:
    """A schedule that begins with ``start`` and is multiplied by ``factor`` at each of ``at_kimg``."""

    start: float
    at_kimg: Sequence[float]
    factor: float

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images have been shown."""
        return float(self.start * self.factor ** sum(images >= 1000 * kimg for kimg in self.at_kimg))


@dataclass(frozen=True)
class InverseTime:
    """A schedule that is ``start / (1 + decay * step)``, the "decay" of a learning rate in Keras.

    One step is ``batch_size`` real images.
    """

    start: float
    decay: float
    batch_size: int

    def __call__(self, images: int) -> float:
        """The value after ``images`` real images have been shown."""
        return self.start / (1 + self.decay * (images / self.batch_size))


def _progress(images: int, kimg: float, after_kimg: float = 0.0) -> float:
    """The share of the way from ``after_kimg`` to ``after_kimg + kimg`` that is done, from 0 to 1."""
    return min(max((images / 1000 - after_kimg) / kimg, 0.0), 1.0)


def _require_positive(kimg: float | None) -> None:
    if kimg is None:  # ${kimg} is null if the run's length was given otherwise
        raise UserError("A schedule lasts as long as the run, so its length is needed in images: give kimg=...")
    if kimg <= 0:
        raise UserError(f"A schedule's kimg is {kimg}, but must be more than 0: it is how long the change takes.")
