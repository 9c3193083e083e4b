"""Which runs are seeds of one recipe, what differs between recipes, and what to call them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_lightning.compare.runs import Run

NOT_OF_A_RECIPE = frozenset(
    {
        *("threads", "run", "logger", "metrics"),
        *(f"trainer.{name}" for name in ("accelerator", "num_nodes", "strategy")),
        *(f"trainer.{name}" for name in ("enable_progress_bar", "log_every_n_steps")),
        *(f"callbacks.{name}" for name in ("samples", "checkpoint", "quality", "scatter")),
    }
)
"""Nodes that say on what a run trains and who looks on. How a number is measured is its protocol's affair."""
DEVICES = "trainer.devices"
"""Their number is of a recipe, since batch norm's statistics are each process's own; which ones they are is not."""
PLACES_AND_SEEDS = frozenset({"seed", "folder", "resume_at", "data_dir", "root", "download"})
"""Last parts of keys, wherever they stand."""
MISSING = "absent"


@dataclass(frozen=True)
class Recipe:
    """Runs that differ in their seeds alone."""

    leaves: Mapping[str, str]
    """What the recipe is: dotted keys, values as JSON."""
    runs: tuple[Run, ...]


def leaves(node: Any, name: str = "") -> dict[str, str]:
    """A configuration by dotted keys without what is not of a recipe; a class stands under the name of its node."""
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
    """The runs by recipe, in the order in which they were given."""
    by_recipe: dict[str, list[Run]] = {}
    for run in runs:
        by_recipe.setdefault(json.dumps(_of_run(run), sort_keys=True), []).append(run)
    return [Recipe(_of_run(group[0]), tuple(group)) for group in by_recipe.values()]


def _of_run(run: Run) -> dict[str, str]:
    """What the recipe of a run is, with the number of its processes where the run says it."""
    found = leaves(run.config)
    return found | ({DEVICES: json.dumps(run.processes)} if run.processes is not None else {})


def said(recipes: Sequence[Recipe]) -> list[str]:
    """Keys that some recipe sets itself: the others follow from these, such as ``model.loss: ${loss}``."""
    keys: dict[str, None] = {}
    for recipe in recipes:
        composed = leaves(recipe.runs[0].composed) or recipe.leaves
        keys |= {key: None for key, value in recipe.leaves.items() if composed.get(key) == value}
    return list(keys)


def differences(recipes: Sequence[Recipe]) -> dict[str, list[str]]:
    """Keys that the recipes set differently, and what each has there."""

    def among(keys: Iterable[str]) -> dict[str, list[str]]:
        table = {key: [shown(recipe.leaves.get(key)) for recipe in recipes] for key in keys}
        return {key: values for key, values in table.items() if len(set(values)) > 1}

    found = among(said(recipes))
    if _apart(found, list(found)) < len(recipes):  # what follows from other keys differs by itself
        found = among(dict.fromkeys(key for recipe in recipes for key in recipe.leaves))
    return found


def in_common(recipes: Sequence[Recipe]) -> dict[str, str]:
    """What all recipes set alike."""
    first = recipes[0].leaves
    return {
        key: shown(first[key])
        for key in said(recipes)
        if key in first and all(recipe.leaves.get(key) == first[key] for recipe in recipes)
    }


def shown(value: str | None) -> str:
    """A leaf as one would say it: the class without its module."""
    if value is None:
        return MISSING
    plain = json.loads(value)
    if isinstance(plain, str):
        return plain.rsplit(".", 1)[-1] if plain.replace(".", "_").isidentifier() else plain
    return value


def names(recipes: Sequence[Recipe]) -> list[str]:
    """What differs, as it was typed: ``loss=hinge width=64``; by the configurations where that does not tell."""
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
    """Overrides of a recipe that all of its runs share."""
    first, *others = (_said_by(run) for run in recipe.runs)
    kept = {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
    return {key: value for key, value in kept.items() if _of_a_recipe(key)}


def _said_by(run: Run) -> dict[str, str]:
    """What was typed, with the number of devices in place of their names."""
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
    """The shortest endings that no other has: ``lr``, or ``generator.lr`` beside ``discriminator.lr``."""

    def alone(ending: str) -> bool:
        return sum(f".{other}".endswith(f".{ending}") for other in among) == 1

    short = {}
    for key in keys:
        parts = key.split(".")
        endings = (".".join(parts[i:]) for i in reversed(range(len(parts))))
        short[key] = next(filter(alone, endings), key)
    return short


def _telling(table: Mapping[str, Sequence[str]]) -> list[str]:
    """Few keys, the general before the special, by which no two columns of the table are alike."""
    chosen: list[str] = []
    while _apart(table, chosen) < _apart(table, list(table)):
        chosen.append(max(table, key=lambda key: (_apart(table, [*chosen, key]), -key.count("."), -len(key))))
    return chosen


def _apart(table: Mapping[str, Sequence[str]], keys: Sequence[str]) -> int:
    """How many columns of the table these rows tell apart."""
    return len(set(zip(*(table[key] for key in keys), strict=True)))
