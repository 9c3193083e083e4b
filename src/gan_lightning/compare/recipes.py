"""Groups runs that differ only in their seed into recipes, finds what differs between recipes, and names them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_lightning.compare.runs import Run

NOT_OF_A_RECIPE = frozenset(
    {
        *("threads", "changed_data", "run", "logger", "evaluator", "tags"),
        *(f"trainer.{name}" for name in ("accelerator", "num_nodes", "strategy")),
        *(f"trainer.{name}" for name in ("enable_progress_bar", "log_every_n_steps")),
        *(f"callbacks.{name}" for name in ("samples", "checkpoint", "quality", "scatter")),
    }
)
"""Nodes of the configuration that do not belong to a recipe: they choose the hardware, the logs and the observers.

How a number is measured is not part of the recipe either: its protocol says it.
"""
DEVICES = "trainer.devices"
"""Key of the devices. Their number belongs to the recipe, because batch norm's statistics are each process's own.

Which devices they are does not belong to it.
"""
PLACES_AND_SEEDS = frozenset({"seed", "folder", "resume_at", "data_dir", "root", "download"})
"""Names of options for seeds and places, which do not belong to a recipe in whatever node they stand."""
MISSING = "absent"
"""Text that stands for the value of a key which a recipe does not have."""


@dataclass(frozen=True)
class Recipe:
    """A set of choices, with the runs that share them and differ only in their seeds."""

    leaves: Mapping[str, str]
    """Every option of the recipe: its dotted key, and its value as JSON."""
    runs: tuple[Run, ...]


def leaves(node: Any, name: str = "") -> dict[str, str]:
    """The options of a configuration by dotted key, without those that do not belong to a recipe.

    The class of a node (its ``_target_``) stands under the name of the node.
    """
    if name in NOT_OF_A_RECIPE or name.rsplit(".", 1)[-1] in PLACES_AND_SEEDS:
        return {}
    if not isinstance(node, Mapping):
        return {name: json.dumps(node, default=str)}
    found = {name: json.dumps(node["_target_"])} if "_target_" in node else {}
    for key, value in node.items():
        if not str(key).startswith("_"):
            found |= leaves(value, f"{name}.{key}" if name else str(key))
    return found


def recipes_of(runs: Sequence[Run]) -> list[Recipe]:
    """The recipes of the runs, in the order in which their first runs were given."""
    by_recipe: dict[str, list[Run]] = {}
    for run in runs:
        by_recipe.setdefault(json.dumps(_of_run(run), sort_keys=True), []).append(run)
    return [Recipe(_of_run(group[0]), tuple(group)) for group in by_recipe.values()]


def _of_run(run: Run) -> dict[str, str]:
    """The options of a run's recipe, with the number of its processes if the run recorded it."""
    found = leaves(run.config)
    return found | ({DEVICES: json.dumps(run.processes)} if run.processes is not None else {})


def said(recipes: Sequence[Recipe]) -> list[str]:
    """Keys that some recipe sets itself; the others are references to these, such as ``model.loss: ${loss}``."""
    keys: dict[str, None] = {}
    for recipe in recipes:
        composed = leaves(recipe.runs[0].composed) or recipe.leaves
        keys |= {key: None for key, value in recipe.leaves.items() if composed.get(key) == value}
    return list(keys)


def differences(recipes: Sequence[Recipe]) -> dict[str, list[str]]:
    """Keys that the recipes set differently, each with the values of all recipes."""

    def among(keys: Iterable[str]) -> dict[str, list[str]]:
        table = {key: [shown(recipe.leaves.get(key)) for recipe in recipes] for key in keys}
        return {key: values for key, values in table.items() if len(set(values)) > 1}

    found = among(said(recipes))
    if _apart(found, list(found)) < len(recipes):  # some recipes differ only in keys that are references: list all keys
        found = among(dict.fromkeys(key for recipe in recipes for key in recipe.leaves))
    return found


def in_common(recipes: Sequence[Recipe]) -> dict[str, str]:
    """Keys that all recipes set to the same value, with that value."""
    first = recipes[0].leaves
    return {
        key: shown(first[key])
        for key in said(recipes)
        if key in first and all(recipe.leaves.get(key) == first[key] for recipe in recipes)
    }


def shown(value: str | None) -> str:
    """The value of an option as a person would write it: without quotes, and a class without its module."""
    if value is None:
        return MISSING
    plain = json.loads(value)
    if isinstance(plain, str):
        return plain.rsplit(".", 1)[-1] if plain.replace(".", "_").isidentifier() else plain
    return value


def names(recipes: Sequence[Recipe]) -> list[str]:
    """A name for each recipe: the overrides that differ, as they were typed (``loss=hinge width=64``).

    If what was typed does not tell the recipes apart, the configurations are compared. Names that are still equal are
    numbered.
    """
    typed = [_typed(recipe) for recipe in recipes]
    keys = dict.fromkeys(key for words in typed for key in words)
    differing = [key for key in keys if len({words.get(key) for words in typed}) > 1]
    found = _named(differing, typed, among=list(keys))
    if len(set(found)) < len(found):
        table = differences(recipes)
        columns = [{key: row[i] for key, row in table.items()} for i in range(len(recipes))]
        found = _named(_telling(table), columns, among=list(table))
    return [name if found.count(name) == 1 else f"{name} ({found[:i].count(name) + 1})" for i, name in enumerate(found)]


def _typed(recipe: Recipe) -> dict[str, str]:
    """The overrides, by key, that all runs of a recipe share and that belong to the recipe."""
    first, *others = (_said_by(run) for run in recipe.runs)
    kept = {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
    return {key: value for key, value in kept.items() if _of_a_recipe(key)}


def _said_by(run: Run) -> dict[str, str]:
    """The overrides of a run, by key, with the number of devices in place of their names."""
    counted = {DEVICES: str(run.processes)} if DEVICES in run.overrides and run.processes is not None else {}
    return {**run.overrides, **counted}


def _of_a_recipe(key: str) -> bool:
    parts = key.split(".")
    within = {".".join(parts[: i + 1]) for i in range(len(parts))}
    return not within & NOT_OF_A_RECIPE and parts[-1] not in PLACES_AND_SEEDS and parts[0] not in ("hydra", "callbacks")


def _named(keys: Sequence[str], values: Sequence[Mapping[str, str]], among: Sequence[str]) -> list[str]:
    short = _shortened(keys, among)
    found = [" ".join(f"{short[key]}={row[key]}" for key in keys if key in row) for row in values]
    return [name or "defaults" for name in found] if len(found) > 1 else ["one recipe"]


def _shortened(keys: Sequence[str], among: Sequence[str]) -> dict[str, str]:
    """The shortest ending of each key that no other key has: ``lr``, or ``generator.lr`` and ``discriminator.lr``."""

    def alone(ending: str) -> bool:
        return sum(f".{other}".endswith(f".{ending}") for other in among) == 1

    short = {}
    for key in keys:
        parts = key.split(".")
        endings = (".".join(parts[i:]) for i in reversed(range(len(parts))))
        short[key] = next(filter(alone, endings), key)
    return short


def _telling(table: Mapping[str, Sequence[str]]) -> list[str]:
    """A few keys of the table that tell all its columns apart; general keys are preferred to special ones."""
    chosen: list[str] = []
    while _apart(table, chosen) < _apart(table, list(table)):
        chosen.append(max(table, key=lambda key: (_apart(table, [*chosen, key]), -key.count("."), -len(key))))
    return chosen


def _apart(table: Mapping[str, Sequence[str]], keys: Sequence[str]) -> int:
    """The number of different columns of the table if only these keys are looked at."""
    return len(set(zip(*(table[key] for key in keys), strict=True)))
