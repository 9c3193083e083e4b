"""``gan-lightning check``: the facts are those of this machine, and a failure is one line and status 1."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from verbs import done, refused

from gan_lightning.check import command, machine
from gan_lightning.errors import UserError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is not there yet."""
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(folder := tmp_path / "new" / "cache"))
    return folder


def test_the_facts_are_those_of_this_machine(cache: Path) -> None:
    found = machine.facts()
    assert f"torch {torch.__version__.partition('+')[0]}" in found["versions"]
    assert f"lightning {version('lightning')}" in found["versions"]
    assert found["python"].startswith(platform.python_version())
    assert found["devices"].endswith("cpu")
    assert found["threads"] == f"{len(os.sched_getaffinity(0))} in one process"
    assert found["cache"] == f"{cache} (0 MB)"
    assert not cache.exists()
    cache.mkdir(parents=True)
    (cache / "digits.npy").write_bytes(bytes(2_500_000))
    assert machine.facts()["cache"] == f"{cache} (2.5 MB)"
    assert found["disk"].count("GiB free") == 3


def test_an_extra_counts_only_if_all_of_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "EXTRAS", {"one": ("torch",), "half": ("torch", "not-a-package"), "no": ("nothing",)})
    assert machine.facts()["extras"] == "one"


def test_ten_steps_are_trained_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(scratch := tmp_path / "scratch"))
    scratch.mkdir()
    said = done(command.main, "").splitlines()
    assert [line.split()[0] for line in said[:-1]] == list(machine.facts())
    assert said[-1].startswith("PASS: 10 steps, samples and a checkpoint on ")
    assert list(scratch.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["scratch"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("The disk is full."), "FAIL: The disk is full."),
        (RuntimeError("CUDA error:\n no kernel image"), "FAIL: RuntimeError: CUDA error: no kernel image"),
    ],
)
def test_what_fails_is_said_in_one_line(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(folder: Path) -> None:
        raise error

    monkeypatch.setattr(command, "trained", fails)
    monkeypatch.setattr(command, "facts", dict)
    monkeypatch.setattr("sys.argv", ["gan-lightning"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    assert capsys.readouterr().out == f"{line}\n"


def test_fewer_steps_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "trained", lambda folder: {"iteration": 3})
    assert command.ten_steps() == (False, "FAIL: 3 of 10 steps were trained.")


def test_it_takes_no_options() -> None:
    assert refused(command.main, "kimg=1") == "gan-lightning check takes no options, and 'kimg=1' is one."
    assert "gan-lightning check" in done(command.main, "--help")
