"""What a curve comes to, as a whole and at a budget, and the band of several."""

from __future__ import annotations

import math

import pytest

from gan_lightning.compare.curves import Curve, band_of


def curve(*values: float, every: float = 10) -> Curve:
    places = tuple(every * (i + 1) for i in range(len(values)))
    return Curve(images=places, seconds=tuple(place / 5 for place in places), values=values)


def test_best_and_final() -> None:
    falling = curve(5, 2, 3)
    assert falling.at("best", "lower") == 2
    assert falling.at("best", "higher") == 5
    assert falling.at("final", "lower") == 3


def test_at_a_budget_between_two_measurements_it_is_on_the_line_between_them() -> None:
    cut = curve(5, 2, 6).within("images", 25)
    assert cut == Curve(images=(10, 20, 25), seconds=(2, 4, 5), values=(5, 2, 4))
    assert cut.at("final", "lower") == 4
    assert cut.at("best", "lower") == 2


@pytest.mark.parametrize(("budget", "values"), [(10, (5,)), (20, (5, 2)), (30, (5, 2, 6)), (99, (5, 2, 6))])
def test_at_a_measurement_it_is_that_one(budget: float, values: tuple[float, ...]) -> None:
    assert curve(5, 2, 6).within("images", budget).values == values


def test_before_the_first_measurement_nothing_is_known() -> None:
    assert curve(5, 2).within("images", 9) is None


def test_seconds_are_a_budget_too() -> None:
    assert curve(5, 2, 6).within("seconds", 5).images == (10, 20, 25)


def test_what_is_no_number_is_no_measurement() -> None:
    record = {"images": 10, "seconds": 1.0, "value": 3.0}
    assert Curve.of([record, {**record, "value": math.nan}, {**record, "value": math.inf}]) == Curve((10,), (1,), (3,))
    assert Curve.of([{**record, "value": math.nan}]) is None
    assert Curve.of([]) is None


def test_a_band_lies_where_all_runs_were_measured() -> None:
    found = band_of([curve(4, 2), curve(8, 6, 1, every=8)], "images")
    assert found.places == (10, 16, 20)
    assert found.mean == pytest.approx(((4 + 7.5) / 2, (2.8 + 6) / 2, (2 + 3.5) / 2))
    assert found.low == pytest.approx((4, 2.8, 2))
    assert found.high == pytest.approx((7.5, 6, 3.5))


def test_the_band_of_one_run_is_its_line() -> None:
    found = band_of([curve(4, 2)], "images")
    assert found.mean == found.low == found.high == (4, 2)
