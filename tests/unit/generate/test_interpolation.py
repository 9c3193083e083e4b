"""Ways through the latents, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gan_lightning.generate.interpolation import lerp, slerp, stations


def shares(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


def test_a_quarter_turn() -> None:
    """Between two axes at 90 degrees: (cos, sin) of the share of the angle."""
    a, b = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    t = shares(0.0, 1 / 3, 0.5, 1.0)
    angles = t * math.pi / 2
    expected = torch.cat([angles.cos(), angles.sin(), torch.zeros_like(t)], 1)
    torch.testing.assert_close(slerp(a.expand(4, -1), b.expand(4, -1), t), expected, atol=1e-6, rtol=0)


def test_it_begins_and_ends_where_it_should() -> None:
    a, b = torch.randn(5, 100), 2 * torch.randn(5, 100)
    torch.testing.assert_close(slerp(a, b, shares(*[0.0] * 5)), a, atol=1e-5, rtol=0)
    torch.testing.assert_close(slerp(a, b, shares(*[1.0] * 5)), b, atol=1e-5, rtol=0)


def test_length_goes_evenly_and_the_angle_too() -> None:
    a, b = torch.randn(1, 100), 3 * torch.randn(1, 100)
    t = torch.linspace(0, 1, 9)[:, None]
    way = slerp(a.expand(9, -1), b.expand(9, -1), t)
    torch.testing.assert_close(way.norm(dim=1, keepdim=True), lerp(a.norm(), b.norm(), t), atol=1e-4, rtol=0)
    unit = (way / way.norm(dim=1, keepdim=True)).double()
    steps = torch.acos((unit[1:] * unit[:-1]).sum(1))
    torch.testing.assert_close(steps, steps.mean().expand(8), atol=1e-5, rtol=0)


def test_the_middle_is_no_shorter_where_a_straight_line_is() -> None:
    a, b = torch.randn(64, 512), torch.randn(64, 512)
    half = shares(*[0.5] * 64)
    assert float(slerp(a, b, half).norm(dim=1).mean()) == pytest.approx(math.sqrt(512), rel=0.02)
    assert float(lerp(a, b, half).norm(dim=1).mean()) == pytest.approx(math.sqrt(512 / 2), rel=0.02)


def test_one_direction_needs_no_arc() -> None:
    a = torch.randn(3, 4)
    torch.testing.assert_close(slerp(a, 2 * a, shares(0.0, 0.5, 1.0)), a * torch.tensor([[1.0], [1.5], [2.0]]))


@pytest.mark.parametrize(("count", "loop", "frames"), [(2, False, 5), (3, False, 9), (2, True, 8), (3, True, 12)])
def test_frames(count: int, loop: bool, frames: int) -> None:
    start, end, t = stations(count, 4, loop)
    assert len(start) == len(end) == len(t) == frames
    keys = torch.arange(float(count))[:, None]
    way = lerp(keys[start], keys[end], t).flatten().tolist()
    there = [i / 4 for i in range(4 * (count - 1) + 1)]
    back = [(count - 1) * i / 4 for i in (3, 2, 1)]
    assert way == (there + back if loop else there)
