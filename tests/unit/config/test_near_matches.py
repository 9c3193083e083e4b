"""What "Did you mean" offers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gan_lightning
from gan_lightning.config import near_matches
from gan_lightning.config.near_matches import did_you_mean, did_you_mean_option


@pytest.mark.parametrize(
    ("wrong", "options", "says"),
    [
        ("hing", {}, " Did you mean hinge?"),
        ("xyz", {}, ""),
        ("minmax", {"alike": 0.99}, ""),
        ("minima", {"alike": 0.5}, " Did you mean minimax or minim?"),
        ("minima", {"alike": 0.5, "most": 1}, " Did you mean minimax?"),
    ],
)
def test_names(wrong: str, options: dict[str, float], says: str) -> None:
    assert did_you_mean(wrong, ("hinge", "minimax", "minim"), **options) == says


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("optimizer.lt", ""),
        ("optimizer.half_lifes", " Did you mean optimizer.half_life?"),
        ("model.betas", " Did you mean optimizer.betas?"),
        ("optimizer.generator.betas", " Did you mean optimizer.betas?"),
        ("nothing.like.it", ""),
    ],
)
def test_options(wrong: str, says: str) -> None:
    """The last part decides, and among names with the same last part the likeness of the whole."""
    assert did_you_mean_option(wrong, ("optimizer.lr", "optimizer.betas", "optimizer.half_life")) == says
    assert did_you_mean_option("a.sizes", ("b.size", "ab.size", "a.size")) == " Did you mean a.size or ab.size?"


def test_one_file_looks_for_near_matches() -> None:
    package = Path(gan_lightning.__file__).parent
    users = {
        path
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import) and "difflib" in ast.unparse(node)
    }
    assert users == {Path(near_matches.__file__)}
