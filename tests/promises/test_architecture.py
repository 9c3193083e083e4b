"""The direction of imports, and other promises about the source as a whole."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import resolve_name
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "gan_lightning"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

LIGHTNING = frozenset({"lightning", "pytorch_lightning", "lightning_fabric"})
HYDRA = frozenset({"hydra", "omegaconf"})

# From the ground up: whatever lies right under gan_lightning imports only from what stands before it here.
FLOORS = [
    *("errors", "types", "randomness", "images", "terminal", "progress"),
    *("parallel", "losses", "networks", "augment"),
    *("config", "runs", "data", "games", "metrics", "quality", "health", "callbacks"),
    *("search", "train", "sweep", "generate", "evaluate", "export", "compare", "check"),
    *("cli", "__init__"),
]
WITHOUT_LIGHTNING = {
    "errors",
    "types",
    "randomness",
    "images",
    "terminal",
    "losses",
    "networks",
    "augment",
}
WITH_HYDRA = {"config", "search", "train", "sweep", "evaluate", "check", "cli"}

FILES_ON_THE_CORRIDOR = 10
ENTRIES_ON_THE_CORRIDOR = 30
FILES_IN_A_FOLDER = 15


@dataclass(frozen=True)
class Import:
    """Import of one file by another, both named as below gan_lightning, such as ``losses.adversarial``."""

    importer: str
    line: int
    imported: str


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that a file imports, also inside functions and for type checking."""
    parents = ("gan_lightning", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), ".".join(parents))
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def imports_of_ours() -> list[Import]:
    """All imports among our own files, where a name that a package offers is imported from its ``__init__``."""
    names = {name_of(path) for path in source_files()}

    def file_of(imported: str) -> str:
        parts = imported.split(".")[1:]
        while parts:
            for name in (".".join(parts), ".".join([*parts, "__init__"])):
                if name in names:
                    return name
            parts.pop()
        return "__init__"

    return [
        Import(name_of(path), line, file_of(name))
        for path in source_files()
        for line, name in imports(path)
        if name.split(".")[0] == "gan_lightning" and file_of(name) != name_of(path)
    ]


def circles(edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Groups of names that reach each other along the edges."""
    beyond: dict[str, set[str]] = defaultdict(set)
    for start, end in edges:
        beyond[start].add(end)

    def reached(start: str) -> set[str]:
        found, waiting = set(), [start]
        while waiting:
            waiting += (new := beyond.get(waiting.pop(), set()) - found)
            found |= new
        return found

    reach = {name: reached(name) for name in beyond}
    return sorted({tuple(sorted(b for b in reach[a] if a in reach.get(b, ()))) for a in reach if a in reach[a]})


def circles_among_files() -> list[tuple[str, ...]]:
    """Circles among files, without those ``__init__`` files that only offer what the files in their folder define."""
    found = ((each.importer, each.imported) for each in imports_of_ours())
    return circles((a, b) for a, b in found if "__init__" not in (a.split(".")[-1], b.split(".")[-1]))


def circles_among_folders() -> dict[str, list[tuple[str, ...]]]:
    """Circles among the files and folders that lie directly in a folder, by the name of the folder."""
    inside: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in imports_of_ours():
        ours, theirs = each.importer.split("."), each.imported.split(".")
        shared = next(i for i, (a, b) in enumerate(zip_longest(ours, theirs)) if a != b)
        if "__init__" not in (ours[shared], theirs[shared]):
            inside[".".join(ours[:shared])].add((ours[shared], theirs[shared]))
    return {folder: found for folder, edges in inside.items() if (found := circles(edges))}


def against_the_direction() -> list[str]:
    """One sentence for each import from a higher floor or of a framework that the floor does without."""
    found = []
    for each in imports_of_ours():
        ours, theirs = each.importer.split(".")[0], each.imported.split(".")[0]
        if ours != theirs and FLOORS.index(theirs) > FLOORS.index(ours):
            found.append(f"{each.importer}:{each.line} imports {each.imported}: {ours} stands below {theirs}")
    for path in source_files():
        floor = name_of(path).split(".")[0]
        barred = (LIGHTNING if floor in WITHOUT_LIGHTNING else set()) | (set() if floor in WITH_HYDRA else HYDRA)
        for line, name in imports(path):
            if name.split(".")[0] in barred:
                found.append(f"{name_of(path)}:{line} imports {name}: {floor} does without it")
    return found


def test_every_entry_has_a_floor() -> None:
    entries = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in source_files()}
    assert entries == set(FLOORS), "say what a new file or folder may import: add it to FLOORS"


def test_imports_point_one_way() -> None:
    assert against_the_direction() == []


def test_no_circle_among_files() -> None:
    assert circles_among_files() == []


def test_no_circle_among_folders() -> None:
    assert circles_among_folders() == {}


def test_folders_are_small() -> None:
    sizes = Counter(path.parent.relative_to(PACKAGE) for path in source_files() if path.name != "__init__.py")
    assert sizes.pop(Path()) < FILES_ON_THE_CORRIDOR  # with its __init__.py
    assert {folder: count for folder, count in sizes.items() if count > FILES_IN_A_FOLDER} == {}
    assert len([entry for entry in PACKAGE.iterdir() if entry.name != "__pycache__"]) <= ENTRIES_ON_THE_CORRIDOR


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Function that makes a package of files with the given contents."""

    def plant(files: dict[str, str]) -> None:
        package = tmp_path / "src" / "gan_lightning"
        for name, text in files.items():
            path = package / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(sys.modules[__name__], "PACKAGE", package)

    return plant


@pytest.mark.parametrize(
    ("file", "line", "allowed"),
    [
        ("losses/new", "from gan_lightning.types import Logits", True),
        ("losses/new", "from .adversarial import Hinge", True),
        ("losses/new", "from gan_lightning import games", False),
        ("losses/new", "import gan_lightning.games.base", False),
        ("losses/new", "from ..games import base", False),
        ("losses/new", "from lightning.pytorch import Trainer", False),
        ("losses/new", "def f():\n    import hydra", False),
        ("games/new", "from gan_lightning import load", False),
        ("data/new", "from lightning import LightningDataModule", True),
        ("data/new", "from omegaconf import DictConfig", False),
        ("types", "from gan_lightning.losses import Hinge", False),
        ("train/new", "from gan_lightning.sweep.job import run_job", False),
    ],
)
def test_the_walk_tells_right_from_wrong(file: str, line: str, allowed: bool, planted: Any) -> None:
    others = ("__init__", "losses/adversarial", "games/base", "types", "sweep/job")
    planted(dict.fromkeys(others, "") | {file: line})
    assert (against_the_direction() == []) is allowed


def test_a_planted_circle_among_files_is_found(planted: Any) -> None:
    planted(
        {
            "games/a": "def f():\n    from gan_lightning.games import b",
            "games/b": "from .c import x",
            "games/c": "if TYPE_CHECKING:\n    import gan_lightning.games.a",
            "games/d": "from gan_lightning.games.a import y",
        }
    )
    assert circles_among_files() == [("games.a", "games.b", "games.c")]
    assert circles_among_folders() == {"games": [("a", "b", "c")]}


def test_a_planted_circle_among_folders_is_found(planted: Any) -> None:
    """Two folders can form a circle, so that neither can be understood without the other, though no two files do."""
    planted(
        {
            "data/sets/a": "from gan_lightning.data.pictures import c",
            "data/sets/b": "",
            "data/pictures/c": "",
            "data/pictures/d": "from gan_lightning.data.sets.b import x",
            "games/a": "from gan_lightning.data.sets import a",
        }
    )
    assert circles_among_files() == []
    assert circles_among_folders() == {"data": [("pictures", "sets")]}


def test_what_is_imported_is_declared() -> None:
    """Every imported package must be declared, because one that another dependency brings may go with it any day."""
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
    """Checkpoints must not be read as pickles, because a pickle runs whatever its author wrote."""
    unsafe = {path.name: lines for path in source_files() if (lines := unsafe_loads(path.read_text()))}
    assert not unsafe


FILES_OF_A_RUN = {
    *("config.yaml", "resolved.yaml", "overrides.txt", "provenance.json", "changes.diff", "metrics.jsonl"),
    *("evaluations.jsonl", "summary.json", "failure.json", "traceback.txt", "rerun.json", "generated.json"),
    *("health.jsonl", "healthy.ckpt"),
    *("last.ckpt", "last.previous.ckpt", "best.ckpt", "rank-", "iteration-", "kimg-", "real.png", "tfevents"),
}
FOLDERS_OF_A_RUN = {"checkpoints", "attempts", "samples", "generated", "export", "failed", ".lock"}
ANOTHERS = {("metrics.extractors.inception", "checkpoints")}
"""Files and texts that are allowed, because torch.hub's folder of downloads is also named ``checkpoints``."""


def names_of_a_runs_files(source: str) -> list[str]:
    """Texts outside docstrings that name a file of a run folder, or one of its folders as part of a path."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose]
    parts: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts.append(node.right)
        elif isinstance(node, ast.Compare):
            parts += node.comparators
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("Path", "joinpath", "glob"):
            parts += node.args
    files = [str(text.value) for text in texts if any(name in str(text.value) for name in FILES_OF_A_RUN)]
    folders = [str(part.value) for part in parts if isinstance(part, ast.Constant) and part.value in FOLDERS_OF_A_RUN]
    return [*files, *folders]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('run / "summary.json"', ["summary.json"]),
        ('Path(f"{run}/checkpoints/last.ckpt")', ["/checkpoints/last.ckpt"]),
        ('(run / "attempts").glob("[0-9]*")', ["attempts"]),
        ('path.parent.name == "checkpoints"', ["checkpoints"]),
        ('run.summary, draw.named("samples"), run.attempts()', []),
        ('def f():\n    """Reads ``summary.json``."""', []),
    ],
)
def test_names_of_a_runs_files_are_seen(source: str, found: list[str]) -> None:
    assert names_of_a_runs_files(source) == found


def test_one_file_knows_the_names_of_a_runs_files() -> None:
    """Only ``runs/folder.py`` knows the names, so that a file of a run can be moved or renamed in this one place."""
    elsewhere = {
        (name, text)
        for path in source_files()
        if (name := name_of(path)) != "runs.folder"
        for text in names_of_a_runs_files(path.read_text())
    }
    assert elsewhere - ANOTHERS == set()


@pytest.mark.parametrize(("command", "target"), PYPROJECT["project"]["scripts"].items())
def test_console_scripts_exist(command: str, target: str) -> None:
    module, _, function = target.partition(":")
    assert callable(getattr(importlib.import_module(module), function, None)), f"{command} starts {target}"


RAISES = re.compile(r"^( *)Raises:\n((?:\1    .*\n|\n)+)", re.MULTILINE)


def test_every_error_in_a_docstring_says_when_it_is_raised() -> None:
    """Each entry of ``Raises:`` has the form "UserError: If ..."."""
    told = [
        (name_of(path), entry)
        for path in source_files()
        for _, block in RAISES.findall(path.read_text())
        for entry in re.findall(r"^ *(\w+: .*)$", block, re.MULTILINE)
        if re.match(r"[A-Z]\w+: ", entry)
    ]
    assert len(told) > 100
    assert [(name, entry) for name, entry in told if not re.match(r"\w+: (If|Unless) ", entry)] == []
