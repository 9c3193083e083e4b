"""Which runs are seeds of one recipe, and what recipes are called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from run_folders import write_run

from gan_lightning.compare.recipes import Recipe, differences, in_common, names, recipes_of
from gan_lightning.compare.runs import Run, read_run


def recipes(tmp_path: Path, *runs: dict[str, Any]) -> list[Recipe]:
    return recipes_of([read_run(write_run(tmp_path / str(i), **options)) for i, options in enumerate(runs)])


def test_seeds_folders_threads_and_accelerators_make_no_recipe(tmp_path: Path) -> None:
    found = recipes(
        tmp_path,
        {"seed": 0},
        {"seed": 1, "options": {"threads": 4, "trainer": {"accelerator": "gpu"}}},
        {"seed": 2, "options": {"logger": {"tensorboard": {"_target_": "gan_lightning.runs.loggers.TensorBoard"}}}},
        {"seed": 0, "loss": "minimax"},
    )
    assert [len(recipe.runs) for recipe in found] == [3, 1]


def test_a_callback_of_ones_own_is_part_of_a_recipe(tmp_path: Path) -> None:
    mine = {"callbacks": {"mine": {"_target_": "mine.Freeze", "after": 3}}}
    assert len(recipes(tmp_path, {"seed": 0}, {"seed": 1, "options": mine})) == 2


def test_the_number_of_devices_is_part_of_a_recipe(tmp_path: Path) -> None:
    """The same seed on one and on two is no repetition. Which devices they are makes no difference."""
    typed = {str(i): [f"trainer.devices={devices}"] for i, devices in enumerate(("1", "2", "[0]", "[3]"))}
    runs = [
        Run(
            Path(name),
            "done",
            config={"seed": 0, "trainer": {"devices": 1 if world_size == 1 else "auto"}},
            overrides=dict(word.split("=") for word in words),
            summary={"world_size": world_size},
        )
        for (name, words), world_size in zip(typed.items(), (1, 2, 1, 1), strict=True)
    ]
    found = recipes_of(runs)
    assert [[run.folder.name for run in recipe.runs] for recipe in found] == [["0", "2", "3"], ["1"]]
    assert names(found) == ["devices=1", "devices=2"]


def test_a_run_that_was_cut_off_has_the_devices_that_it_was_started_with(tmp_path: Path) -> None:
    two = {"options": {"trainer": {"devices": 2}}}
    found = recipes(tmp_path, {}, {**two, "status": None}, {**two, "seed": 1})
    assert [len(recipe.runs) for recipe in found] == [1, 2]


def test_a_failed_run_belongs_to_its_recipe_whatever_its_devices_were_called(tmp_path: Path) -> None:
    """Else nothing would say that a seed of it is missing."""
    every = {"options": {"trainer": {"devices": "auto"}}}
    for folder, seed in ((tmp_path / "done", 0), (tmp_path / "failed", 1)):
        write_run(folder, seed=seed, status="done" if seed == 0 else None, **every)
        for attempt in (0, 1):
            (folder / "attempts" / str(attempt)).mkdir(parents=True)
        (folder / "attempts" / "0" / "rank-0.json").write_text('{"world_size": 2}')
    done, failed = tmp_path / "done", tmp_path / "failed"
    summary = json.loads((done / "summary.json").read_text())
    (done / "summary.json").write_text(json.dumps(summary | {"world_size": 2}))
    assert [len(recipe.runs) for recipe in recipes_of([read_run(done), read_run(failed)])] == [2]


def test_precision_and_budget_are_part_of_a_recipe(tmp_path: Path) -> None:
    others = ({"trainer": {"precision": "bf16-mixed"}}, {"kimg": 3})
    assert len(recipes(tmp_path, {}, *({"options": options} for options in others))) == 3


def test_names_say_what_was_typed_and_differs(tmp_path: Path) -> None:
    wide, narrow = (
        {"options": {"model": {"generator": {"width": width}}}, "typed": [f"model.generator.width={width}", "kimg=3"]}
        for width in (64, 8)
    )
    found = recipes(tmp_path, wide, narrow | {"loss": "minimax"}, wide | {"loss": "minimax", "seed": 4})
    assert names(found) == ["loss=hinge width=64", "loss=minimax width=8", "loss=minimax width=64"]


def test_what_was_not_typed_goes_unsaid(tmp_path: Path) -> None:
    typed = {"typed": ["+penalty.r1.gamma=3"], "options": {"penalty": {"r1": {"gamma": 3}}}}
    assert names(recipes(tmp_path, {}, typed)) == ["defaults", "gamma=3"]


def named(*overrides: dict[str, str], config: Sequence[dict[str, Any]] = ()) -> list[str]:
    nodes = config or [{"key": i} for i in range(len(overrides))]
    runs = [Run(Path(str(i)), "done", config=nodes[i], overrides=typed) for i, typed in enumerate(overrides)]
    return names(recipes_of(runs))


def test_an_ending_that_two_keys_share_is_not_short_enough() -> None:
    typed = [{"optimizer.generator.lr": lr, "optimizer.discriminator.lr": "1"} for lr in ("1", "2")]
    assert named(*typed) == ["generator.lr=1", "generator.lr=2"]


def test_the_configurations_name_what_the_words_do_not_tell() -> None:
    config = [
        {"loss": {"_target_": f"losses.{loss}", "margin": 1}, "width": width, "deep": {"er": width}}
        for loss, width in (("Hinge", 8), ("Minimax", 8), ("Hinge", 16))
    ]
    assert named({}, {}, {}, config=config) == ["loss=Hinge width=8", "loss=Minimax width=8", "loss=Hinge width=16"]


def test_classes_of_one_name_from_two_modules_are_two_recipes() -> None:
    config = [{"loss": {"_target_": f"{module}.Hinge"}} for module in ("mine", "yours")]
    assert named({}, {}, config=config) == ["defaults (1)", "defaults (2)"]


def test_differences_leave_out_what_follows_from_another_key(tmp_path: Path) -> None:
    """``optimizer.generator.lr`` is ``${..lr}`` in both, and a class stands under its own name."""
    fast = {"lr": 0.001, "generator": {"_target_": "torch.optim.Adam", "lr": 0.001}}
    found = recipes(tmp_path, {}, {"loss": "minimax", "options": {"optimizer": fast}})
    # the second run's optimizer is written out in its composed configuration too, so both keys are said there
    assert differences(found) == {
        "loss": ["Hinge", "Minimax"],
        "optimizer.lr": ["0.0002", "0.001"],
        "optimizer.generator.lr": ["0.0002", "0.001"],
    }
    assert differences(recipes(tmp_path / "b", {}, {"loss": "minimax"})) == {"loss": ["Hinge", "Minimax"]}


def test_what_all_have_in_common(tmp_path: Path) -> None:
    assert in_common(recipes(tmp_path, {}, {"loss": "minimax"})) == {
        "n_critic": "1",
        "optimizer.lr": "0.0002",
        "optimizer.generator": "Adam",
        "data": "Digits",
        "data.batch_size": "100",
    }
