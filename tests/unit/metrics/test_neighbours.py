"""Neighbours against distances taken pair by pair."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_lightning.metrics import nearest, neighbours
from gan_lightning.metrics.neighbours import exact_squared_distances, nearest_others, squared_distances


def exact(x: Tensor, y: Tensor) -> Tensor:
    return (x.double()[:, None] - y.double()).square().sum(2)


@pytest.fixture(params=[1, 1000, 2**22])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Rows at a time: one, a few, all."""
    monkeypatch.setattr(neighbours, "TABLE", request.param)
    return request.param


def test_distances(real: Tensor, fake: Tensor, table: int) -> None:
    parts = list(squared_distances(real, fake))
    assert [number for part in parts for number in range(part.place.start, part.place.stop)] == list(range(500))
    torch.testing.assert_close(torch.cat([part.distances for part in parts]), exact(real, fake), rtol=1e-10, atol=1e-12)


def test_the_bound_on_rounding_holds_and_is_small(real: Tensor, fake: Tensor) -> None:
    (rows,) = squared_distances(real + 1000, fake + 1000)
    off = (rows.distances - exact(real + 1000, fake + 1000)).abs()
    assert (off <= rows.rounding).all()
    assert float(off.max()) > 0
    assert float(rows.rounding.max()) < 1e-12 * float(rows.distances.max())


def test_a_pair_has_the_same_distance_wherever_it_stands(real: Tensor, fake: Tensor) -> None:
    """Bit for bit: the other way round, in another table, and as a pair of its own."""
    table = exact_squared_distances(real.double(), fake.double())
    assert torch.equal(exact_squared_distances(fake.double(), real.double()).T, table)
    assert torch.equal(exact_squared_distances(real[3:5].double(), fake[7:].double()), table[3:5, 7:])
    (rows,) = squared_distances(real, fake)
    pairs = torch.tensor([[0, 0], [499, 399], [3, 7]])
    assert torch.equal(rows.exact(pairs), table[pairs[:, 0], pairs[:, 1]])


@pytest.mark.parametrize("many", [0.0, 1.0], ids=["whole table", "pair by pair"])
def test_only_what_is_close_to_the_border_is_settled(
    real: Tensor, fake: Tensor, many: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "MANY", many)
    (rows,) = squared_distances(real, fake)
    before, table = rows.distances.clone(), exact_squared_distances(real.double(), fake.double())
    border = before[:, 5:6].clone()
    rows.settle(border)
    close = (before - border).abs() <= 2 * rows.rounding
    assert close[:, 5].all()
    assert torch.equal(rows.distances, torch.where(close, table, before))


def test_nearest_others(real: Tensor, table: int) -> None:
    expected = exact(real, real).sort(1).values[:, 1:5]  # the nearest of all is the sample itself
    torch.testing.assert_close(nearest_others(real, 4), expected, rtol=1e-10, atol=1e-12)


def test_a_twin_is_another() -> None:
    x = torch.tensor([[1.0, 2], [1, 2], [4, 6]])
    torch.testing.assert_close(nearest_others(x, 2), torch.tensor([[0.0, 25], [0, 25], [25, 25]]).double())


@pytest.mark.parametrize("many", [0.0, 1.0], ids=["whole table", "pair by pair"])
def test_equally_far_neighbours(many: float, table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a grid of whole numbers nearly all distances are ties, and each is a root of a whole number."""
    monkeypatch.setattr(neighbours, "MANY", many)
    x = torch.randint(0, 3, (200, 5)).float() + 1000
    whole = (x.long()[:, None] - x.long()).square().sum(2)
    expected = whole.fill_diagonal_(10**6).sort(1).values[:, :7]
    found = nearest_others(x, 7)
    assert torch.equal(found.round(), expected.double())
    assert len(found.unique()) == len(expected.unique())  # equal distances are equal to the last bit


def test_the_first_of_equally_near_candidates(table: int) -> None:
    x, candidates = torch.randint(0, 3, (50, 5)).float() / 7, torch.randint(0, 3, (300, 5)).float() / 7
    whole = ((x * 7).round().long()[:, None] - (candidates * 7).round().long()).square().sum(2)
    distances, indices = nearest(x, candidates)
    least = exact_squared_distances(x.double(), candidates.double()).amin(1)
    assert torch.equal(distances, least.sqrt())
    assert torch.equal(whole[torch.arange(50), indices], whole.amin(1))


def test_all_samples_are_one(table: int) -> None:
    """No distance is lost to rounding, or below 0, where a generator has collapsed."""
    x = torch.full((30, 5), 0.1) + 1000
    assert torch.equal(nearest_others(x, 3), torch.zeros(30, 3).double())
    assert torch.equal(nearest(x, x).indices, torch.zeros(30, dtype=torch.long))


def test_nearest(real: Tensor, fake: Tensor, table: int) -> None:
    distances, indices = nearest(fake, real)
    assert torch.equal(indices, exact(fake, real).argmin(1))
    torch.testing.assert_close(distances, exact(fake, real).amin(1).sqrt(), rtol=1e-12, atol=0)


def test_a_copy_is_at_no_distance(real: Tensor) -> None:
    distances, indices = nearest(real[100:110] + 1000, real + 1000)
    assert distances.tolist() == [0.0] * 10
    assert indices.tolist() == list(range(100, 110))
