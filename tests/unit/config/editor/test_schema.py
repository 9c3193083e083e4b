"""The JSON schema for editors: it is current, knows every key that is written, and admits what is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan_lightning.config.compose import config_folder
from gan_lightning.config.editor.schema import SCHEMA, text

CONF = Path(config_folder())
WHOLE = sorted([CONF / "train.yaml", *CONF.glob("experiment/*.yaml"), *CONF.glob("debug/*.yaml")])
PYTHON = {"boolean": bool, "integer": int, "number": (int, float), "string": str, "array": list, "null": type(None)}


@pytest.fixture(scope="module")
def properties() -> dict[str, Any]:
    return dict(json.loads((CONF / SCHEMA).read_text(encoding="utf-8"))["properties"])


def test_it_is_current() -> None:
    assert (CONF / SCHEMA).read_text(encoding="utf-8") == text(), "make schema writes it"


def admitted(value: Any, rules: list[Mapping[str, Any]]) -> bool:
    """Whether one of the rules admits a plain value; those that the schema has are types, patterns and enums."""
    for rule in rules:
        words = [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", [])
        if "pattern" in rule:
            fits = isinstance(value, str) and "${" in value
        elif "enum" in rule:
            fits = value in rule["enum"]
        else:
            fits = any(
                isinstance(value, PYTHON[word]) and (word == "boolean" or not isinstance(value, bool)) for word in words
            )
        if fits:
            return True
    return False


def leaves(tree: Mapping[str, Any], properties: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any, Any]]:
    for key, value in tree.items():
        name, known = f"{path}.{key}", properties.get(key)
        if isinstance(value, dict) and known is not None:
            yield from leaves(value, known.get("properties", {}), name)
        else:
            yield name, value, known


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_it_admits_what_is_written(path: Path, properties: dict[str, Any]) -> None:
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    defaults = properties["defaults"]["items"]["anyOf"][1]["properties"]
    for entry in tree.pop("defaults", []):
        if isinstance(entry, dict) and path.name != "train.yaml":
            ((group, choice),) = entry.items()
            known = defaults[group]["anyOf"][0]["enum"]
            assert set(choice if isinstance(choice, list) else [choice]) <= {*known, None}, group
    tree.pop("hydra", None)
    for name, value, known in leaves(tree, properties):
        assert known is not None, f"{name} is not in the schema"
        assert "anyOf" not in known or admitted(value, known["anyOf"]), (name, value, known["anyOf"])


def test_types_comments_and_choices_are_those_of_the_sources(properties: dict[str, Any]) -> None:
    batch = properties["data"]["properties"]["batch_size"]
    assert "global" in batch["description"] or "over all processes" in batch["description"]
    assert admitted(32, batch["anyOf"])
    assert not admitted("many", batch["anyOf"])
    assert not admitted(True, batch["anyOf"])
    assert admitted("${seed}", batch["anyOf"])
    assert not admitted(0.5, properties["seed"]["anyOf"])
    choices = properties["defaults"]["items"]["anyOf"][1]["properties"]["override /loss"]
    assert "hinge" in choices["anyOf"][0]["enum"]
    hinge = properties["data"]["properties"]["hand_a"]
    assert hinge["description"] == "thin, bold, upright or slanted"
    assert "game" not in properties
    assert "stream" not in properties
