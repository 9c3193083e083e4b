"""Every command of a verb in README and docs is a valid command with existing options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gan_lightning.compare import command as compare
from gan_lightning.config.options import read_options
from gan_lightning.evaluate import command as evaluate
from gan_lightning.export import command as export
from gan_lightning.generate import command as generate

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = sorted(
    {
        command.strip()
        for page in PAGES
        for command in re.findall(
            r"python (?:evaluate|generate|export|compare)\.py[^#`\n]*", page.read_text(encoding="utf-8")
        )
        if "--help" not in command
    }
)

CHECKS = {
    "evaluate.py": lambda words: read_options(evaluate.Evaluate, "evaluate.py", words),
    "generate.py": lambda words: generate.check_choices(read_options(generate.Generate, "generate.py", words)),
    "export.py": lambda words: export.check_formats(read_options(export.Export, "export.py", words)),
    "compare.py": lambda words: read_options(compare.Compare, "compare.py", words),
}


def test_there_are_some() -> None:
    assert "python generate.py RUN_FOLDER count=10000 to=fakes" in COMMANDS
    assert "python evaluate.py some_images/ against=other_images/ evaluator=cifar10" in COMMANDS
    assert "python export.py RUN_FOLDER to=my_model formats=[torch,onnx]" in COMMANDS
    assert "python compare.py runs/sweeps/loss_model-3fa2c1 output=page.html" in COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one(command: str) -> None:
    _, program, *words = shlex.split(command)
    CHECKS[program](words)
