"""What is kept of the code that trained: its commit, and a patch that gives what was changed since."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gan_lightning.runs import repository


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "check out"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "n")
    git(folder, "config", "user.email", "e@example.org")
    (folder / "loss.py").write_text("a = 1\n")
    (folder / ".gitignore").write_text("ignored.py\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_commit_as_it_is(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD").strip()
    assert repository.state(checkout) == {"commit": commit, "changed": False, "root": str(checkout)}
    assert repository.changes(checkout) == ""


def test_the_patch_gives_what_ran(checkout: Path, tmp_path: Path) -> None:
    """Changed and new code, from a folder inside; neither data nor what git ignores."""
    (checkout / "loss.py").write_text("a = 2\n")
    (checkout / "new folder").mkdir()
    (checkout / "new folder" / "mine ä.py").write_text("b = 3\n")
    (checkout / "ignored.py").write_text("c = 4\n")
    (checkout / "images.bin").write_bytes(b"\0" * 10)
    before = (checkout / ".git" / "index").read_bytes()
    patch = repository.changes(checkout / "new folder")
    assert (checkout / ".git" / "index").read_bytes() == before
    assert repository.state(checkout)["changed"] is True  # type: ignore[index]

    git(tmp_path, "clone", "-q", str(checkout), "again")
    (tmp_path / "patch").write_text(patch)
    git(tmp_path / "again", "apply", str(tmp_path / "patch"))
    assert (tmp_path / "again" / "loss.py").read_text() == "a = 2\n"
    assert (tmp_path / "again" / "new folder" / "mine ä.py").read_text() == "b = 3\n"
    assert not (tmp_path / "again" / "ignored.py").exists()
    assert not (tmp_path / "again" / "images.bin").exists()


def test_the_patch_is_the_same_whatever_diffs_a_user_likes(checkout: Path) -> None:
    (checkout / "loss.py").write_text("a = 2\n")
    patch = repository.changes(checkout)
    for option in ("diff.noprefix", "diff.mnemonicPrefix"):
        git(checkout, "config", option, "true")
        assert repository.changes(checkout) == patch
    assert "--- a/loss.py\n+++ b/loss.py" in patch


def test_a_change_within_the_second_of_the_index_is_seen(checkout: Path) -> None:
    """Git takes a file of the same size and time for unchanged, unless its index is not older than that time."""
    git(checkout, "config", "core.trustctime", "false")
    source, index = checkout / "loss.py", checkout / ".git" / "index"
    os.utime(source, (1e9, 1e9))
    git(checkout, "update-index", "--refresh")
    os.utime(index, (1e9, 1e9))
    source.write_text("a = 2\n")
    os.utime(source, (1e9, 1e9))
    assert "+a = 2" in repository.changes(checkout)


def test_a_patch_that_git_refuses_says_so(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "loss.py").write_text("a = 2\n")
    monkeypatch.setattr(repository, "AS_APPLY_WANTS_IT", ("--no-such-option",))
    assert repository.changes(checkout).startswith("[not kept: ")


def test_a_package_inside_of_somebody_elses_checkout(checkout: Path) -> None:
    installed = checkout / ".venv" / "lib"
    installed.mkdir(parents=True)
    (checkout / ".venv" / ".gitignore").write_text("*\n")
    (installed / "package.py").write_text("a = 1\n")
    assert repository.state(installed) is None
    assert repository.changes(installed) == ""


def test_a_huge_patch_is_cut_and_says_so(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "LARGEST_DIFF", 100)
    (checkout / "loss.py").write_text("a = 2\n" * 1000)
    patch = repository.changes(checkout)
    assert len(patch) < 200
    assert patch.rstrip().endswith("characters]")


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    assert repository.state(tmp_path) is None
    assert repository.changes(tmp_path) == ""


def test_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert repository.state(checkout) is None
    assert repository.changes(checkout) == ""
