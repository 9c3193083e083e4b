"""Classes as they are typed, of data whose classes have names and of data whose classes are called by numbers."""

from __future__ import annotations

from typing import Any

import pytest

from gan_lightning.data.class_names import class_number, in_order, listed

ANIMALS = ("frog", "cat", "deer")
FOLDERS = in_order({"0", "10", "2", "1", "11"})


@pytest.mark.parametrize(("given", "number"), [("cat", 1), (2, 2), ("2", None), (3, None), (-1, None), (True, None)])
def test_where_classes_have_names_a_number_counts_them(given: Any, number: int | None) -> None:
    assert class_number(given, ANIMALS) == number


@pytest.mark.parametrize(
    ("given", "number"), [(2, 2), ("2", 2), (10, 3), ("10", 3), (11, 4), (3, None), (4, None), (1.0, None)]
)
def test_where_classes_are_numbers_a_number_is_a_name(given: Any, number: int | None) -> None:
    assert class_number(given, FOLDERS) == number


def test_one_name_that_is_a_number_makes_all_numbers_names() -> None:
    assert [class_number(each, ("7", "cat")) for each in (7, 0, 1, "cat")] == [0, None, None, 1]


def test_numbers_stand_by_their_size_and_first() -> None:
    assert FOLDERS == ("0", "1", "2", "10", "11")
    assert in_order(["b", "10", "a", "9", "010"]) == ("9", "010", "10", "a", "b")


def test_a_message_lists_what_can_be_typed() -> None:
    assert listed(ANIMALS) == "0 (frog), 1 (cat), 2 (deer)"
    assert listed(FOLDERS) == "0, 1, 2, 10, 11"
