"""Recipes compared: order, budget, what is left out, and what must not be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from run_folders import METRIC, PROTOCOL, write_failure, write_run, write_sweep

from gan_lightning.compare.comparison import Comparison, compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.page.verdict import verdict
from gan_lightning.compare.runs import read_run
from gan_lightning.errors import UserError


def compared(folder: Path, **wish: Any) -> Comparison:
    return compare([read_run(run) for run in find_runs([str(folder)])], Wish(**{"metric": METRIC} | wish))


def test_means_deviations_and_order(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10, 12, 14], "minimax": [4, 5, 6]})
    found = compared(tmp_path)
    assert [row.name for row in found.rows] == ["loss=minimax", "loss=hinge"]
    first = found.rows[0]
    assert (first.fair.mean, first.fair.deviation) == (5, 1)
    assert first.best == first.final == first.fair
    assert {what: first.spent(what) for what in ("images", "d_updates", "g_updates", "seconds")} == {
        **{"images": 3000, "d_updates": 30, "g_updates": 30, "seconds": 3}
    }
    assert (found.budget, found.better, found.cautions) == (3000, "lower", [])
    assert found.protocol.to_dict() == PROTOCOL
    assert found.differences == {"loss": ["Minimax", "Hinge"]}
    assert verdict(found) == (
        "loss=minimax comes first, with averaged/fid 5.0 ± 1.0 over 3 seeds: it is the best of those with several "
        "seeds with a probability of 100%."
    )


def test_higher_may_be_better(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10, 12], "minimax": [4, 5]}, better="higher")
    found = compared(tmp_path)
    assert [row.name for row in found.rows] == ["loss=hinge", "loss=minimax"]
    assert found.rows[0].best.values == (20, 24)
    assert found.rows[0].standing.best == 1


def test_the_budget_is_what_all_have_reached(tmp_path: Path) -> None:
    """The long run is better in the end, and was worse where the short one ended."""
    for seed in range(2):
        write_run(tmp_path / f"long-{seed}", [60, 50, 40, 10 + seed], seed=seed)
        write_run(tmp_path / f"short-{seed}", [50, 30 + seed], seed=seed, loss="minimax")
    found = compared(tmp_path)
    assert found.budget == 2000
    assert [(row.name, row.fair.mean, row.final.mean) for row in found.rows] == [
        ("loss=minimax", 30.5, 30.5),
        ("loss=hinge", 50, 10.5),
    ]
    assert found.cautions[-1].startswith("Runs went as far as 4 kimg: only the numbers at 2 kimg")
    assert compared(tmp_path, axis="seconds").budget == 2


def test_best_and_last(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [9, 3, 7])
    assert compared(tmp_path).rows[0].fair.values == (3,)
    assert compared(tmp_path, at="final").rows[0].fair.values == (7,)


def test_differences_within_noise_are_called_so(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10, 14, 12], "minimax": [11, 15, 13], "non_saturating": [40, 41, 42]})
    found = compared(tmp_path)
    assert found.cautions[0].startswith(
        "The first place is within noise: loss=hinge is ahead of these in less than 97.5%"
    )
    assert "loss=minimax (" in found.cautions[0]
    assert "non_saturating" not in found.cautions[0]
    assert verdict(found).endswith("but these seeds can't tell it from loss=minimax.")


def test_one_seed_gives_no_confidence(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10], "minimax": [11, 15]})
    found = compared(tmp_path)
    assert [row.standing for row in found.rows] == [None, None]
    assert found.cautions == ["One seed only, so no confidence can be had: loss=hinge. Run more seeds."]
    assert "with one seed, nobody can say" in verdict(found)


def test_one_recipe_of_several_seeds_gives_no_confidence_either(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10], "minimax": [4, 5]})
    assert verdict(compared(tmp_path)).endswith(
        "over 2 seeds: with one seed of each of the others, nobody can say whether other seeds would agree."
    )


def test_runs_that_did_not_end_well_are_listed(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10, 12], "minimax": [11, 15]})
    write_run(tmp_path / "cut", seed=2, status=None)
    write_run(tmp_path / "unmeasured", [], seed=3)
    write_failure(tmp_path / "failed", "No longer finite.")
    found = compared(tmp_path)
    assert [(each.label, each.run.status, each.reason) for each in found.left_out] == [
        ("loss=hinge, seed 2", "unfinished", "no summary yet: it still trains, or was killed after 3,000 images"),
        ("failed", "failed", "diverged: No longer finite."),
        ("loss=hinge, seed 3", "done", "averaged/fid was not measured"),
    ]
    assert "Runs are missing from the numbers, which may flatter a recipe: loss=hinge (2 of 4)." in found.cautions
    counted = compared(tmp_path, unfinished=True)
    hinge = next(row for row in counted.rows if row.name == "loss=hinge")
    assert {run.seed for run in hinge.runs} == {0, 1, 2}


def test_a_repetition_is_no_second_seed(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [9], started="2026-11-22T10:00:00+00:00")
    write_run(tmp_path / "b", [8], started="2026-11-22T12:00:00+00:00")
    found = compared(tmp_path)
    assert found.rows[0].fair.values == (8,)
    assert [each.reason for each in found.left_out] == ["seed 0 of this recipe was run again in b"]


def test_a_run_that_was_first_measured_too_late_is_left_out(tmp_path: Path) -> None:
    write_run(tmp_path / "early", [9, 8])
    write_run(tmp_path / "late", [1], every=9000, loss="minimax")
    found = compared(tmp_path)
    assert [row.name for row in found.rows] == ["loss=hinge"]
    assert [each.reason for each in found.left_out] == ["first measured after 2 kimg"]


@pytest.mark.parametrize("field", ["n_fake", "extractor_hash", "data_hash", "generator", "metric"])
def test_numbers_of_two_protocols_are_not_compared(tmp_path: Path, field: str) -> None:
    other = PROTOCOL | {field: 9 if field == "n_fake" else "other"}
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", loss="minimax", protocol=other)
    with pytest.raises(UserError, match=f"differ in: {field} ") as caught:
        compared(tmp_path)
    assert f"of {tmp_path / 'a'} and of {tmp_path / 'b'}: " in str(caught.value)


def test_the_seed_and_the_versions_of_a_measurement_need_not_agree(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", loss="minimax", protocol=PROTOCOL | {"seed": 5, "versions": {"torch": "2.15"}})
    assert len(compared(tmp_path).rows) == 2


def test_numbers_without_a_protocol_are_compared_among_themselves(tmp_path: Path) -> None:
    points = {"metric": "modes", "protocol": None, "better": None}
    write_run(tmp_path / "a", [3], **points)
    write_run(tmp_path / "b", [5], loss="minimax", **points)
    with pytest.raises(UserError, match="do not say which way modes improves: add better=lower or better=higher"):
        compared(tmp_path, metric="modes")
    found = compared(tmp_path, metric="modes", better="higher")
    assert found.protocol is None
    assert [row.fair.mean for row in found.rows] == [5, 3]
    write_run(tmp_path / "c", [4], metric="modes", loss="non_saturating")
    with pytest.raises(UserError, match="only one of these numbers says how it was measured"):
        compared(tmp_path, metric="modes", better="higher")


def test_nothing_to_compare(tmp_path: Path) -> None:
    write_run(tmp_path / "a", status=None)
    with pytest.raises(UserError, match=r"None of 1 run\(s\) is done \(unfinished\): unfinished=true compares them"):
        compared(tmp_path)
    with pytest.raises(UserError, match=r"metric=raw/kid was measured in none of 1 run\(s\): they have averaged/fid"):
        compared(tmp_path, metric="raw/kid")
    write_run(tmp_path / "b" / "c", [])
    with pytest.raises(UserError, match="train with callbacks=quality"):
        compared(tmp_path / "b")


def test_the_typical_run_is_the_median_one(tmp_path: Path) -> None:
    write_sweep(tmp_path, {"hinge": [10, 2, 7, 9]})
    assert compared(tmp_path).rows[0].typical().seed == 2


def test_any_curve_can_be_compared(tmp_path: Path) -> None:
    """Runs on pairs of images measure no quality, but have losses."""
    for seed in range(2):
        for loss, values in {"hinge": [3.0, 1.0 + seed], "minimax": [3.0, 2.5 + seed]}.items():
            folder = write_run(tmp_path / f"{loss}-{seed}", values, seed=seed, loss=loss, protocol=None, better=None)
            lines = (folder / "metrics.jsonl").read_text().replace(f"quality/{METRIC}", "loss/pair_a")
            (folder / "metrics.jsonl").write_text(lines)
    with pytest.raises(UserError, match=r"such as metric=loss/pair_a: they have loss/pair_a\.$"):
        compared(tmp_path)
    with pytest.raises(UserError, match="do not say which way loss/pair_a improves: add better=lower"):
        compared(tmp_path, metric="loss/pair_a")
    found = compared(tmp_path, metric="loss/pair_a", better="lower")
    assert [(row.name, row.fair.values) for row in found.rows] == [("loss=hinge", (1, 2)), ("loss=minimax", (2.5, 3))]
    assert found.protocol is None
