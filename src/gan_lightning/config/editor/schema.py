"""The JSON schema of a configuration, by which editors complete, explain and check yaml files such as an experiment.

It is made from ``conf/``: the keys and comments of the yamls, and the annotations of the classes that they name.
``python -m gan_lightning.config.editor.schema`` prints it, and ``make schema`` writes it to ``conf/schema.json``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import yaml

from gan_lightning.config.check import TOP_LEVEL
from gan_lightning.config.compose import config_folder
from gan_lightning.config.signatures import annotated, kinds_and_literals

SCHEMA = "schema.json"
"""Name of the file in ``conf/``."""
GLOBAL = "# @package _global_"
TYPES: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    NoneType: "null",
}
"""The words of JSON schema for the types of values."""
REFERENCE = {"type": "string", "pattern": r"\$\{.+\}"}
"""A reference to another option, which can stand for any value."""
LINE = re.compile(r"^( *)([\w.]+):(?: [^#]*?)?(?:\s+#\s*(.+))?$")
"""A line of a yaml with a key: its indentation, the key, and the comment behind it."""


def schema(folder: Path) -> dict[str, Any]:
    """The schema of the configurations that the yamls in a folder can make.

    Args:
        folder: The folder ``conf/``.
    """
    properties: dict[str, Any] = {}
    root = yaml.safe_load((folder / "train.yaml").read_text(encoding="utf-8"))
    chosen = sorted({str(name) for entry in root["defaults"] if isinstance(entry, dict) for name in entry})
    groups = {name: folder / name for name in chosen if not name.startswith("override ")}
    for path in (folder / "train.yaml", *(file for group in groups.values() for file in sorted(group.glob("*.yaml")))):
        tree, comments = _content(path, folder)
        _add(properties, tree, comments, "")
    for key, kind in TOP_LEVEL.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        found = properties.setdefault(key, {})
        if words := [TYPES[each] for each in kinds if each in TYPES]:
            found["anyOf"] = [{"type": [*words, "null"]}, REFERENCE]
    choices = {name: sorted(path.stem for path in group.glob("*.yaml")) for name, group in groups.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A configuration of gan-lightning",
        "description": "Made from conf/ by make schema. Own classes and games may bring further keys.",
        "type": "object",
        "properties": {"defaults": _defaults(choices), **dict(sorted(properties.items()))},
    }


def _defaults(choices: Mapping[str, list[str]]) -> dict[str, Any]:
    """The schema of a list of defaults, with the choices of every group."""
    named = {f"override /{group}": _choice(names) for group, names in choices.items()}
    return {
        "description": "Choices of groups that this file makes.",
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, {"type": "object", "properties": named}]},
    }


def _choice(names: list[str]) -> dict[str, Any]:
    one = {"anyOf": [{"enum": names}, {"type": ["string", "null"]}]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


def _content(path: Path, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The options of a yaml and of those that it takes through its defaults, and their comments by full name."""
    text = path.read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text) or {}
    comments = dict(_comments(text))
    tree.pop("hydra", None)
    group = path.parent.relative_to(folder).as_posix()
    defaults = tree.pop("defaults", [])
    if group != "." and GLOBAL not in text:
        tree, comments = {group: tree}, {f"{group}.{name}": comment for name, comment in comments.items()}
    for entry in defaults:
        if not isinstance(entry, str) or entry == "_self_":
            continue
        name, _, package = entry.partition("@")
        origin = folder / name.lstrip("/") if name.startswith("/") else path.parent / name
        below, their_comments = _content(origin.with_suffix(".yaml"), folder)
        other = origin.parent.relative_to(folder).as_posix()
        if other in below and other not in TOP_LEVEL:  # a yaml of game/ or stream/, which has no place of its own
            place = group if package in ("", "_here_") else package
            below = {place: below[other]}
            their_comments = {f"{place}{name.removeprefix(other)}": comment for name, comment in their_comments.items()}
        tree, comments = _merged(below, tree), {**their_comments, **comments}
    return tree, comments


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both trees, in which a value of ``above`` wins."""
    found = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            found[key] = _merged(below[key], above[key])
    return found


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """The full name of each option that has a comment behind it, and the comment."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        if (found := LINE.match(line)) is None:
            continue
        above = [(indent, key) for indent, key in above if indent < len(found[1])] + [(len(found[1]), found[2])]
        if found[3]:
            yield ".".join(key for _, key in above), found[3]


def _add(properties: dict[str, Any], tree: Mapping[str, Any], comments: Mapping[str, str], path: str) -> None:
    """Add the options of a tree to the properties that are known."""
    kinds = _kinds(tree.get("_target_"))
    for key, value in tree.items():
        name = f"{path}.{key}" if path else str(key)
        found = properties.setdefault(str(key), {})
        if name in comments:
            found.setdefault("description", comments[name])
        if isinstance(value, dict):
            _add(found.setdefault("properties", {}), value, comments, name)
        elif key in kinds and (types := _types(kinds[key])):
            known = found.setdefault("anyOf", [REFERENCE])
            known += [each for each in types if each not in known]
        elif "anyOf" not in found and not str(key).startswith("_"):
            found.setdefault("default", value)


def _kinds(target: Any) -> dict[str, Any]:
    if not isinstance(target, str) or "${" in target:
        return {}
    try:
        return annotated(target)
    except (ImportError, AttributeError):  # of an extra that is not installed
        return {}


def _types(annotation: Any) -> list[dict[str, Any]]:
    """The schemas of the values that an annotation admits; empty if a type in it has no word in JSON schema."""
    members, literals = kinds_and_literals(annotation)
    if any(member not in TYPES for member in members):
        return []
    words = sorted({TYPES[member] for member in members})
    return [*([{"type": words}] if words else []), *([{"enum": literals}] if literals else [])]


def text() -> str:
    """The text of the schema of ``conf/``."""
    return json.dumps(schema(Path(config_folder())), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
