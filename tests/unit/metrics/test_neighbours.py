"""Neighbours against distances taken pair by pair."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_lightning.metrics import nearest, neighbours
from gan_lightning.metrics.neighbours import nearest_others, squared_distances


def exact(x: Tensor, y: Tensor) -> Tensor:
    return (x.double()[:, None] - y.double()).square().sum(2)


@pytest.fixture(params=[1, 1000, 2**22])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Rows at a time: one, a few, all."""
    monkeypatch.setattr(neighbours, "TABLE", request.param)
    return request.param


def test_distances(real: Tensor, fake: Tensor, table: int) -> None:
    rows, parts = zip(*squared_distances(real, fake), strict=True)
    assert [number for place in rows for number in range(place.start, place.stop)] == list(range(500))
    torch.testing.assert_close(torch.cat(parts), exact(real, fake), rtol=1e-10, atol=1e-12)


def test_nearest_others(real: Tensor, table: int) -> None:
    expected = exact(real, real).sort(1).values[:, 1:5]  # the nearest of all is the sample itself
    torch.testing.assert_close(nearest_others(real, 4), expected, rtol=1e-10, atol=1e-12)


def test_a_twin_is_another() -> None:
    x = torch.tensor([[1.0, 2], [1, 2], [4, 6]])
    torch.testing.assert_close(nearest_others(x, 2), torch.tensor([[0.0, 25], [0, 25], [25, 25]]).double())


def test_nearest(real: Tensor, fake: Tensor, table: int) -> None:
    distances, indices = nearest(fake, real)
    assert torch.equal(indices, exact(fake, real).argmin(1))
    torch.testing.assert_close(distances, exact(fake, real).amin(1).sqrt(), rtol=1e-12, atol=0)


def test_a_copy_is_at_no_distance(real: Tensor) -> None:
    distances, indices = nearest(real[100:110] + 1000, real + 1000)
    assert distances.tolist() == [0.0] * 10
    assert indices.tolist() == list(range(100, 110))
