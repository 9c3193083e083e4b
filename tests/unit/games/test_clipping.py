"""Clipping: by value, by norm, and by both in that order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.games.clipping import GradientClip


def parameters(*gradients: list[float] | None) -> list[nn.Parameter]:
    made = []
    for gradient in gradients:
        p = nn.Parameter(torch.zeros(len(gradient or [0])))
        p.grad = None if gradient is None else torch.tensor(gradient)
        made.append(p)
    return made


def gradients(made: list[nn.Parameter]) -> Tensor:
    return torch.cat([p.grad for p in made if p.grad is not None])


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (GradientClip(), [3.0, 0.0, -4.0]),
        (GradientClip(value=2.0), [2.0, 0.0, -2.0]),
        (GradientClip(norm=1.0), [0.6, 0.0, -0.8]),
        (GradientClip(norm=10.0), [3.0, 0.0, -4.0]),
        (GradientClip(value=2.0, norm=1.0), [0.5**0.5, 0.0, -(0.5**0.5)]),
    ],
    ids=repr,
)
def test_values(clip: GradientClip, expected: list[float]) -> None:
    made = parameters([3.0, 0.0], None, [-4.0])
    norm = clip(iter(made))
    assert norm.item() == 5
    assert made[1].grad is None
    torch.testing.assert_close(gradients(made), torch.tensor(expected), atol=1e-5, rtol=0)


def test_no_gradients() -> None:
    assert GradientClip(value=1.0, norm=1.0)(parameters(None)).item() == 0


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("name", ["value", "norm"])
def test_ranges(name: str, limit: float) -> None:
    with pytest.raises(UserError, match=rf"clip\.{name} is {limit}"):
        GradientClip(**{name: limit})
