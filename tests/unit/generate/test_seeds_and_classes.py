"""Seeds and classes as they are typed."""

from __future__ import annotations

from typing import Any

import pytest

from gan_lightning.errors import UserError
from gan_lightning.generate.seeds_and_classes import Wanted, every, labels_from, names_in_files, ranges, seeds_from


@pytest.mark.parametrize(
    ("given", "count", "seeds"),
    [
        (None, None, [0, 1, 2]),
        (None, 2, [0, 1]),
        (7, None, [7]),
        ("0-3", None, [0, 1, 2, 3]),
        ([5, "0-2", "9"], None, [5, 0, 1, 2, 9]),
        (2**32 - 1, None, [2**32 - 1]),
    ],
)
def test_seeds(given: Any, count: int | None, seeds: list[int]) -> None:
    assert seeds_from(given, count, default=3) == seeds


@pytest.mark.parametrize(
    ("given", "count", "says"),
    [
        (3, 4, "both say which images"),
        (None, 0, "at least one image"),
        ([], None, "no seed"),
        ("3-1", None, "such as 1-3"),
        ("a", None, "give whole numbers from 0 on"),
        (-1, None, "give whole numbers from 0 on"),
        (1.5, None, "give whole numbers from 0 on"),
        (True, None, "give whole numbers from 0 on"),
        (2**32, None, "below 2^32"),
        ([1, "0-2"], None, "a seed twice"),
    ],
)
def test_what_is_no_seed(given: Any, count: int | None, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("^", r"\^")):
        seeds_from(given, count, default=3)


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2], [5, 0, 1, 9, 8, 9]])
def test_ranges_are_short_and_mean_the_same(seeds: list[int]) -> None:
    if len(set(seeds)) == len(seeds):
        assert seeds_from(ranges(seeds), None, 1) == seeds
    assert ranges([5, 0, 1, 2, 9]) == ["5", "0-2", "9"]


def names(needed: bool) -> tuple[str, ...]:
    return "frog", "cat", "deer", "ship"


def unknown(needed: bool) -> tuple[str, ...]:
    assert not needed, "the data are read only if a name was typed"
    return ()


def folders(needed: bool) -> tuple[str, ...]:
    return "0", "1", "2", "10"


def test_labels() -> None:
    assert labels_from(None, 0, names) is None
    assert labels_from(None, 4, names) is None
    assert labels_from(3, 4, names) == [3]
    assert labels_from([3, 0], 4, names) == [3, 0]
    assert labels_from("all", 4, names) == [0, 1, 2, 3]
    assert labels_from(["deer", 0, "cat"], 4, names) == [2, 0, 1]
    assert labels_from("cat", 4, names) == [1]
    assert labels_from([3, 0], 4, unknown) == [3, 0]


def test_where_classes_are_called_by_numbers_a_number_is_a_name() -> None:
    assert labels_from([10, 2], 4, folders) == [3, 2]
    with pytest.raises(UserError, match=r"classes=3: this generator has the classes 0, 1, 2, 10; or take all"):
        labels_from(3, 4, folders)


def test_the_names_of_classes_in_files() -> None:
    assert names_in_files(folders(True), 4) == ["0", "1", "2", "10"]
    assert names_in_files(["../x y", "ü.b"], 2) == [".._x_y", "ü.b"]
    assert names_in_files(["a/b", "a b"], 2) == names_in_files((), 2) == ["0", "1"], "names that would be one file"
    assert every([7], [1, 0], ["cat", "dog"])[0].name(1) == "seed-000007-class-dog"


@pytest.mark.parametrize("given", [4, -1, "3", [1, 9], [True], [], [1, 1], "dog", ["cat", 1], [[1]]])
def test_what_is_no_class(given: Any) -> None:
    with pytest.raises(UserError, match="classes="):
        labels_from(given, 4, names)


def test_names_are_told_to_who_tried_one() -> None:
    with pytest.raises(UserError, match=r"the classes 0 \(frog\), 1 \(cat\), 2 \(deer\), 3 \(ship\)"):
        labels_from("dog", 4, names)


def test_an_unconditional_generator_has_no_classes() -> None:
    with pytest.raises(UserError, match="takes no labels"):
        labels_from(0, 0, names)


def test_every_seed_in_every_class() -> None:
    wanted = every([7, 8], [2, 0], "abc")
    assert wanted == [Wanted(7, 2, "c"), Wanted(7, 0, "a"), Wanted(8, 2, "c"), Wanted(8, 0, "a")]
    assert [each.name(1) for each in wanted[:2]] == ["seed-000007-class-c", "seed-000007-class-a"]
    assert Wanted(12).name(9) == "seed-000000012"
