"""The state of the code that trains: its commit, and its changes since then."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

TIMEOUT_S = 60
AS_APPLY_WANTS_IT = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
"""Options that keep a diff fit for ``git apply``, whatever git is configured to, for example ``diff.noprefix``."""
LARGEST_DIFF = 2_000_000
"""Number of characters at which a diff is cut; a last line says that it was."""
CODE = ("*.py", "*.yaml", "*.yml", "*.toml", "Makefile")
"""Patterns of new files that a diff includes, so that a data set which lies in the checkout stays out of it."""


def state(folder: Path) -> dict[str, Any] | None:
    """Commit and root of the checkout that ``folder`` belongs to, and whether it has changed since the commit.

    None if ``folder`` is not in a checkout, or if the checkout around it ignores it, such as a ``.venv`` in somebody's
    project.
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
    """The patch by which ``git apply`` turns the commit into the code that ran, new files of code included.

    It is empty if nothing has changed, and one line that says so if git fails. The checkout's own index is left alone,
    because new files are announced in a copy of it.
    """
    if state(folder) is None:
        return ""
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
        with tempfile.TemporaryDirectory() as scratch:
            index = Path(_git(root, "rev-parse", "--absolute-git-dir").strip()) / "index"
            copied = Path(scratch) / "index"
            shutil.copy2(index, copied)  # copy2 keeps its time, by which git knows which files may have changed
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
