"""Prints the lower bound of every requirement in pyproject.toml as a constraint for pip, such as ``tqdm==4.66.3``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
BOUND = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)")


def lower_bounds(project: Mapping[str, Any]) -> Iterator[str]:
    """The constraints for all dependencies and extras of a project, without those on the project itself."""
    for requirements in (project["dependencies"], *project["optional-dependencies"].values()):
        for requirement in requirements:
            if found := BOUND.match(requirement):
                yield f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    print(*dict.fromkeys(lower_bounds(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"])), sep="\n")
