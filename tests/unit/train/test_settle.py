"""What a run finds out: its budget, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from gan_lightning.errors import UserError
from gan_lightning.train.settle import budget


@pytest.mark.parametrize(
    ("trainer", "kimg", "expected"),
    [
        ({}, None, {"kimg": 1.0, "trainer.max_steps": 25}),  # default_kimg: 1000 images in iterations of 40
        ({"max_steps": -1}, 0.1, {"kimg": 0.1, "trainer.max_steps": 3}),  # 100 images: the third iteration has the rest
        ({"max_steps": 2}, 0.1, {"kimg": 0.1, "trainer.max_steps": 2}),
        ({"max_steps": 9}, 0.1, {"kimg": 0.1, "trainer.max_steps": 3}),
        ({"max_steps": 5}, None, {"kimg": 0.2}),
        ({"max_epochs": 2}, None, {"kimg": 0.56}),  # two epochs of 7 iterations
        ({"max_epochs": 2, "max_steps": 5}, None, {"kimg": 0.2}),
        ({"max_time": "00:00:01:00"}, None, {"kimg": None}),
        ({"fast_dev_run": True}, None, {"kimg": None}),
        ({"fast_dev_run": False, "max_steps": None}, None, {"kimg": 1.0, "trainer.max_steps": 25}),
    ],
)
def test_budgets(trainer: dict[str, Any], kimg: float | None, expected: dict[str, Any]) -> None:
    found = budget(trainer, kimg, default_kimg=1.0, images=40, iterations_per_epoch=7)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("kimg", [0, -1.5])
def test_a_budget_of_nothing(kimg: float) -> None:
    with pytest.raises(UserError, match="give a positive number of thousands of images"):
        budget({}, kimg, default_kimg=1.0, images=40, iterations_per_epoch=7)
