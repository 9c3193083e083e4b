"""Schedules: their closed forms at the ends, in the middle and beyond."""

from __future__ import annotations

from math import cos, pi

import pytest

from gan_lightning.errors import UserError
from gan_lightning.games.schedules import Constant, Cosine, InverseTime, Linear, Step
from gan_lightning.types import Schedule


@pytest.mark.parametrize(
    ("schedule", "values"),  # by images
    [
        (Constant(1.0), {0: 1, 10**9: 1}),
        (Constant(0.3), {0: 0.3, 10**9: 0.3}),
        (Linear(1.0, 0.0, kimg=10.0), {0: 1, 2500: 0.75, 10_000: 0, 20_000: 0}),
        (Linear(2.0, 4.0, kimg=10.0, after_kimg=5.0), {0: 2, 5000: 2, 10_000: 3, 15_000: 4, 10**9: 4}),
        (Cosine(1.0, 0.0, kimg=10.0), {0: 1, 2500: (1 + cos(pi / 4)) / 2, 5000: 0.5, 10_000: 0, 10**9: 0}),
        (Cosine(0.9, 0.99, kimg=10.0), {0: 0.9, 5000: 0.945, 10_000: 0.99, 10**9: 0.99}),
        (Step(2.0, at_kimg=[1.0, 2.0], factor=0.1), {0: 2, 999: 2, 1000: 0.2, 1999: 0.2, 2000: 0.02, 10**9: 0.02}),
        (Step(1.0, at_kimg=[], factor=0.1), {0: 1, 10**9: 1}),
        (InverseTime(8e-4, decay=0.5, batch_size=20), {0: 8e-4, 20: 8e-4 / 1.5, 40: 4e-4, 60: 8e-4 / 2.5}),
        (InverseTime(8e-4, decay=1e-8, batch_size=20), {0: 8e-4, 200_000: 8e-4 / 1.0001, 2 * 10**9: 4e-4}),
    ],
    ids=repr,
)
def test_values(schedule: Schedule, values: dict[int, float]) -> None:
    assert {images: schedule(images) for images in values} == pytest.approx(values, abs=1e-12)


@pytest.mark.parametrize("kimg", [0.0, -1.0])
def test_a_change_takes_time(kimg: float) -> None:
    with pytest.raises(UserError, match=f"kimg is {kimg}"):
        Linear(1.0, 0.0, kimg=kimg)
    with pytest.raises(UserError, match=f"kimg is {kimg}"):
        Cosine(1.0, 0.0, kimg=kimg)


def test_the_length_of_the_run_must_be_known() -> None:
    """A yaml says ``kimg: ${kimg}``, which is null where the run's length was given otherwise."""
    schedule = object.__new__(Linear)  # the types are checked while the tests run, and would refuse None first
    object.__setattr__(schedule, "kimg", None)
    with pytest.raises(UserError, match="give kimg="):
        schedule.__post_init__()
