"""``gan-lightning VERB``: one command for all verbs, and what it tells a shell that completes words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from door import Answer, called

from gan_lightning import terminal

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = f"/somewhere/bin/{terminal.COMMAND}"


@pytest.fixture(autouse=True)
def afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test is called in another way."""
    monkeypatch.setattr(terminal, "_chosen", [])


def call(*words: str) -> Answer:
    return called(terminal.gan_lightning, [PROGRAM, *words])


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_names_every_verb(words: tuple[str, ...]) -> None:
    answer = call(*words)
    assert answer.status == 0
    for verb in terminal.VERBS:
        assert re.search(rf"^  {verb} +\w", answer.out, re.MULTILINE)


def test_the_version_is_that_of_the_package() -> None:
    assert call("--version").out == f"gan-lightning {version('gan-lightning')}\n"


@pytest.mark.parametrize("verb", terminal.VERBS)
def test_each_verb_has_a_help_that_says_how_it_was_called(verb: str) -> None:
    answer = call(verb, "--help")
    assert answer.status == 0, answer.err
    assert f"  gan-lightning {verb}" in answer.out
    assert f"python {verb}.py" not in answer.out


def test_a_script_names_itself_in_its_help() -> None:
    answer = called(terminal.compare, ["compare.py", "--help"])
    assert "  python compare.py RUNS..." in answer.out


def test_a_wrong_verb_is_refused_with_the_right_ones() -> None:
    answer = call("trian", "loss=hinge")
    assert answer.status == 2
    assert answer.err == (
        "error: There is no gan-lightning trian: the verbs are train, evaluate, generate, export, compare, check "
        "(gan-lightning --help).\n"
    )


def test_a_mistake_names_the_command_that_was_typed() -> None:
    assert "gan-lightning compare RUNS..." in call("compare").err
    assert "(gan-lightning train --help;" in call("train", "kimgs=3").err


def test_a_run_records_how_it_was_called() -> None:
    from gan_lightning.runs.provenance import command

    assert call("compare", "--help").status == 0
    assert command()[:2] == ["gan-lightning", "compare"]
    assert terminal.after_python(["gan-lightning", "train", "kimg=1"]) == ["gan-lightning", "train", "kimg=1"]
    assert terminal.after_python(["train.py", "kimg=1"]) == ["python", "train.py", "kimg=1"]
    assert terminal.after_python([]) == []


def completed(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that a shell is offered for a line, by Hydra's protocol: the line in COMP_LINE, the query as words."""
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    answer = call("-sc", "query=bash")
    assert answer.status == 0, answer.err
    return answer.out.split()


def test_words_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("gan-lightning ", monkeypatch) == list(terminal.VERBS)
    assert completed("gan-lightning tr", monkeypatch) == list(terminal.VERBS)
    assert completed("gan-lightning compare ", monkeypatch) == []  # so that the shell offers run folders
    assert completed("gan-lightning train loss=h", monkeypatch) == ["loss=hinge"]
    assert completed("gan-lightning train loss=hinge data=mn", monkeypatch) == ["data=mnist", "data=mnist_digits"]
    assert {"loss=", "model=", "seed="} <= set(completed("gan-lightning train ", monkeypatch))


TAB = r"""
eval "$({program} -sc install=bash)"
COMP_LINE="$1"; COMP_POINT=${{#1}}
words=($1); COMP_CWORD=$((${{#words[@]}} - 1))
hydra_bash_completion
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("program", "line", "words"),
    [
        ("gan-lightning", "gan-lightning train loss=h", {"loss=hinge"}),
        ("python train.py", "python train.py lo", {"logger=", "loss="}),
    ],
)
def test_bash_completes_words(program: str, line: str, words: set[str], tmp_path: Path) -> None:
    """The tab key as bash has it: the script that Hydra installs is run, and its function called."""
    command = tmp_path / "gan-lightning"
    command.write_text(
        f"#!{sys.executable}\nfrom gan_lightning.terminal import gan_lightning\ngan_lightning()\n", encoding="utf-8"
    )
    command.chmod(0o755)
    own = Path(sys.executable).parent  # where python is this interpreter
    paths = {"PATH": f"{tmp_path}:{own}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        ["bash", "-c", TAB.format(program=program), "bash", line],
        cwd=ROOT,
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
        check=True,
    )
    found = done.stdout.split()
    assert words <= set(found), done.stderr
