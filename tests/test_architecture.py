"""The direction of imports, and other promises about the source as a whole."""

from __future__ import annotations

import ast
import importlib
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import resolve_name
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "gan_lightning"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

LIGHTNING = frozenset({"lightning", "pytorch_lightning", "lightning_fabric"})
HYDRA = frozenset({"hydra", "omegaconf"})


@dataclass(frozen=True)
class Layer:
    """Units, each a module or a package right under gan_lightning, that know equally much of the rest."""

    units: list[str]
    barred: frozenset[str] = frozenset()  # frameworks that they must know nothing of
    siblings: bool = False  # whether they may import one another


# From the ground up: a unit imports from the layers before its own. A new file adds its name to one of the lists.
LAYERS = {
    "words that all share": Layer(
        ["types", "errors", "randomness", "distributed", "evaluation", "protocol", "jsonlines"],
        barred=LIGHTNING | HYDRA,
        siblings=True,
    ),
    "parts that know torch alone": Layer(
        [
            *("losses", "networks", "augment", "history", "priors"),
            *("images", "metrics", "ema", "schedules", "clipping", "scalars", "costs", "players", "opinions"),
        ],
        barred=LIGHTNING | HYDRA,
    ),
    "what works without Hydra": Layer(
        [
            "module",
            "data",
            "extractors",
            "callbacks",
            "checkpoint",
            "finetune",
            "records",
            "runfolder",
            "provenance",
            "repository",
            "sameness",
            "quality",
            "trust",
            "loading",
            "generating",
            "exporting",
            "outputs",
            "strategy",
            "launcher",
            "devices",
            "precision",
            "quiet",
            "rules",
            "scheduling",
        ],
        barred=HYDRA,
        siblings=True,
    ),
    "what `import gan_lightning` offers": Layer(["__init__"], barred=HYDRA),
    "where the parts meet": Layer(
        [
            "options",
            "tilde",
            "generate",
            "export",
            "evaluate",
            "evaluating",
            "compare",
            "comparing",
            "build",
            "config",
            "signatures",
            "unread",
            "run",
            "worker",
            "cli",
            "composing",
            "complaints",
            "mistakes",
            "resuming",
            "rerun",
            "sweeps",
            "searching",
        ],
        siblings=True,
    ),
}


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def unit_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer_of(unit: str) -> str | None:
    return next((name for name, layer in LAYERS.items() if unit in layer.units), None)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of all that a file imports, inside functions and for type checking too."""
    parents = ("gan_lightning", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), ".".join(parents))
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def imported_unit(name: str) -> str:
    """The unit that ``name`` belongs to; a name of the package itself (gan_lightning.LitGAN) comes from __init__."""
    unit = name.split(".")[1] if "." in name else "__init__"
    return unit if layer_of(unit) else "__init__"


def breaches(path: Path) -> Iterator[str]:
    """What a file imports against the direction, one sentence each."""
    unit = unit_of(path)
    home = layer_of(unit)
    names = list(LAYERS)
    for line, name in imports(path):
        where = f"{path.relative_to(ROOT)}:{line}"
        if name.split(".")[0] in LAYERS[home].barred:
            yield f"{where} imports {name}: {home} do without it"
        if name.split(".")[0] != "gan_lightning" or (other := imported_unit(name)) == unit:
            continue
        step = names.index(layer_of(other)) - names.index(home)
        if step > 0 or (step == 0 and not LAYERS[home].siblings):
            yield f"{where} imports {name}: {unit} ({home}) must not import {other} ({layer_of(other)})"


def test_every_unit_has_one_layer() -> None:
    listed = [unit for layer in LAYERS.values() for unit in layer.units]
    strays = sorted({unit_of(path) for path in source_files()} - set(listed))
    assert not strays, f"say what they may import: add {strays} to one of LAYERS in tests/test_architecture.py"
    assert len(listed) == len(set(listed)), "a unit is in two of LAYERS"


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    if layer_of(unit_of(path)) is None:
        pytest.fail(f"{path.relative_to(ROOT)} is in no layer: see test_every_unit_has_one_layer")
    found = list(breaches(path))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("file", "line", "allowed"),
    [
        ("losses/new.py", "from gan_lightning.types import Logits", True),
        ("losses/new.py", "from .adversarial import Hinge", True),
        ("losses/new.py", "from gan_lightning import networks", False),
        ("losses/new.py", "import gan_lightning.networks.base", False),
        ("losses/new.py", "from ..networks import base", False),
        ("losses/new.py", "from lightning.pytorch import Trainer", False),
        ("losses/new.py", "def f():\n    import hydra", False),
        ("module.py", "from gan_lightning import LitGAN", False),
        ("data/new.py", "from lightning import LightningDataModule", True),
        ("data/new.py", "from omegaconf import DictConfig", False),
        ("types.py", "from gan_lightning.losses import Hinge", False),
    ],
)
def test_the_walk_tells_right_from_wrong(
    file: str, line: str, allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "gan_lightning"
    (package / file).parent.mkdir(parents=True)
    (package / file).write_text(line)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", package)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert (not list(breaches(package / file))) is allowed


def test_what_is_imported_is_declared() -> None:
    """A package that only another dependency brings is gone the day that one drops it."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    requirements = chain(PYPROJECT["project"]["dependencies"], *(extras[name] for name in extras.keys() - {"dev"}))
    declared = {requirement.split(">")[0].lower() for requirement in requirements}
    distributions = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in source_files()
        for line, name in imports(path)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names | {"gan_lightning"}
        and declared.isdisjoint(each.lower().replace("_", "-") for each in distributions.get(top, []))
    }
    assert not undeclared, f"add their packages to pyproject.toml's dependencies: {sorted(undeclared)}"


def unsafe_loads(source: str) -> list[int]:
    """Lines that call torch.load without ``weights_only=True``, or import ``load`` so that this can't be seen."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if given.get("weights_only") != "True":
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "torch":
            lines.extend(node.lineno for alias in node.names if alias.name == "load")
    return lines


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("torch.load(path, weights_only=True)", []),
        ("torch.load(path)", [1]),
        ("torch.load(path, weights_only=False)", [1]),
        ("from torch import load", [1]),
    ],
)
def test_unsafe_loads_are_seen(source: str, lines: list[int]) -> None:
    assert unsafe_loads(source) == lines


def test_checkpoints_are_read_as_weights_only() -> None:
    """A pickle runs what its author wrote; plain tensors and containers do not."""
    unsafe = {path.name: lines for path in source_files() if (lines := unsafe_loads(path.read_text()))}
    assert not unsafe


@pytest.mark.parametrize(("command", "target"), PYPROJECT["project"]["scripts"].items())
def test_console_scripts_exist(command: str, target: str) -> None:
    module, _, function = target.partition(":")
    assert callable(getattr(importlib.import_module(module), function, None)), f"{command} starts {target}"
