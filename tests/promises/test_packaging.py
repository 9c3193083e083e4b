"""The files around the package agree: versions, lower bounds, workflows and the targets that they call."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
OWN = {"gan-lightning"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_everywhere() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", text("CHANGELOG.md"), re.MULTILINE)
    citation = yaml.safe_load(text("CITATION.cff"))
    assert newest is not None
    assert PROJECT["version"] == newest[1] == str(citation["version"])
    assert newest[2] == str(citation["date-released"])
    assert citation["license"] == PROJECT["license"]


def test_every_requirement_has_a_lower_bound_that_can_be_installed() -> None:
    bounds = list(runpy.run_path(str(ROOT / ".ci" / "minimum.py"))["lower_bounds"](PROJECT))
    requirements = chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    names = {found[0] for each in requirements if (found := re.match(r"[\w.-]+", each))} - OWN
    assert {bound.partition("==")[0] for bound in bounds} == names
    assert "lightning==2.6.6" in bounds
    assert "ray==2.50" in bounds


def test_what_is_declared_is_imported() -> None:
    """Every dependency is imported by the package, so that none is installed for nothing."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    modules = {"hydra-core": "hydra", "pyyaml": "yaml", "pillow": "PIL"}
    for requirement in PROJECT["dependencies"]:
        name = re.match(r"[\w-]+", requirement)
        assert name is not None
        module = modules.get(name[0], name[0])
        if (
            module == "tensorboard"
        ):  # torch.utils.tensorboard, which Lightning's logger writes with, is a shell around it
            continue
        assert re.search(rf"^\s*(import|from) {module}\b", source, re.MULTILINE), f"{name[0]} is not imported"


def commands(node: Any) -> list[str]:
    """All shell commands of a workflow."""
    if isinstance(node, dict):
        own = [node["run"]] if isinstance(node.get("run"), str) else []
        return own + [command for value in node.values() for command in commands(value)]
    return [command for value in node for command in commands(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_what_there_is(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow[True]  # YAML 1.1 reads the key "on" as true
    assert workflow["permissions"] == {"contents": "read"}
    lines = "\n".join(commands(workflow["jobs"]))
    for target in re.findall(r"make ([a-z-]+)", lines):
        assert target in TARGETS
    for verb in re.findall(r"gan-lightning (\w+)$", lines, re.MULTILINE):
        assert verb in import_module("gan_lightning.terminal").VERBS


def test_a_release_needs_no_token() -> None:
    publish = yaml.safe_load(text(".github/workflows/release.yml"))["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "pypi"
    assert "secrets." not in text(".github/workflows/release.yml")


def test_the_minimum_is_tested_by_a_workflow() -> None:
    jobs = yaml.safe_load(text(".github/workflows/test.yml"))["jobs"]
    assert "make test-minimum" in commands(jobs["minimum"])
    assert "make lint" in commands(jobs["lint"])
    assert "make test" in commands(jobs["newest"])


def test_the_container_is_built_from_what_there_is() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", text("Dockerfile"), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert {"src", "conf", "pyproject.toml"} <= set(names)
    kept = re.findall(r"^!(\S+)$", text(".dockerignore"), re.MULTILINE)
    assert set(kept) == set(names)
    assert all((ROOT / name).exists() for name in names)
    assert "make lint" in json.loads(text(".devcontainer/devcontainer.json"))["postCreateCommand"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.name)
def test_a_template_is_a_form(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.name != "config.yml":
        assert {"name", "description", "body"} <= set(form)
        assert all(each["attributes"]["label"] for each in form["body"])
