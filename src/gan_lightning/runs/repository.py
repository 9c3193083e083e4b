"""The state of the code that trains: its commit, and what was changed since."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

TIMEOUT_S = 20
AS_APPLY_WANTS_IT = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
"""Whatever the reader of diffs prefers, such as ``diff.noprefix``."""
LARGEST_DIFF = 2_000_000
"""Characters; what is beyond is cut, and says so."""
CODE = ("*.py", "*.yaml", "*.yml", "*.toml", "Makefile")
"""Kinds of new files that a diff takes in: a data set that lies in the checkout stays out of it."""


def state(folder: Path) -> dict[str, Any] | None:
    """Commit of the checkout that ``folder`` belongs to, its root, and whether it was changed since.

    None outside of one, and where the checkout around it ignores it, such as a ``.venv`` in somebody's project.
    """
    try:
        if not _git(folder, "ls-files", "--cached", "--others", "--exclude-standard", "--", ".").strip():
            return None
        root = _git(folder, "rev-parse", "--show-toplevel").strip()
        commit = _git(folder, "rev-parse", "HEAD").strip()
        return {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain").strip()), "root": root}
    except (OSError, subprocess.SubprocessError):
        return None


def changes(folder: Path) -> str:
    """What ``git apply`` needs to make the commit what ran; new files of code are in it. Empty where nothing is new.

    Where git fails, a line that says so instead. The checkout's own index is left alone: new files are announced in a
    copy of it.
    """
    if state(folder) is None:
        return ""
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
        with tempfile.TemporaryDirectory() as scratch:
            index = Path(_git(root, "rev-parse", "--absolute-git-dir").strip()) / "index"
            copied = Path(scratch) / "index"
            shutil.copy2(index, copied)  # with its time: by it git knows which files may have changed since
            with_copy = {"GIT_INDEX_FILE": str(copied)}
            new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *CODE).split("\0")
            if any(new):
                _git(root, "add", "--intent-to-add", "--", *filter(None, new), environment=with_copy)
            found = _git(root, "diff", "HEAD", *AS_APPLY_WANTS_IT, environment=with_copy)
    except (OSError, subprocess.SubprocessError) as error:
        return f"[not kept: {error}]\n"
    return found if len(found) <= LARGEST_DIFF else f"{found[:LARGEST_DIFF]}\n[cut: {len(found):,} characters]\n"


def _git(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=True,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", **(environment or {})},
    )
    return done.stdout
