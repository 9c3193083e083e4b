"""The README's commands: each composes, is checked as at the start of a run, and names files that are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import OmegaConf

from gan_lightning.config.check import check_config
from gan_lightning.config.compose import config_folder
from gan_lightning.train.resume import apply_overrides

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"python train\.py[^#`\n]*", TEXT)))


STORED = ("resume=", "rerun=")
"""Beginnings of words that take a stored configuration and compose none."""


def words_of(command: str) -> list[str]:
    """The overrides of a command, or those of the first job if it is a sweep."""
    typed = [word for word in shlex.split(command)[2:] if "=" in word and not word.startswith(("--", "init_from="))]
    stored = [word for word in typed if word.startswith(STORED)]
    parsed = OverridesParser.create().parse_overrides([word for word in typed if word not in stored])
    return stored + [first_job(override) for override in parsed if not override.is_hydra_override()]


def first_job(override: Override) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    if isinstance(override.value(), IntervalSweep):
        return f"{override.key_or_group}={override.value().start}"
    return f"{override.key_or_group}={next(override.sweep_string_iterator())}"


def test_there_are_some() -> None:
    assert "python train.py model=dcgan loss=minimax trainer.devices=2" in {command.strip() for command in COMMANDS}
    assert len(COMMANDS) > 8


@pytest.mark.parametrize("command", [c for c in COMMANDS if "--config-dir" not in c and "--help" not in c])
def test_a_command_is_one(command: str) -> None:
    words = words_of(command)
    resumed = [word for word in words if word.startswith(STORED)]
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("train", [] if resumed else words)
    OmegaConf.set_struct(config, False)
    if resumed:
        apply_overrides(config, [word for word in words if word not in resumed])
    check_config(config)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?:\]\(|src=\")([\w/.-]+\.(?:md|png|py))", TEXT))))
def test_what_it_shows_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def section(title: str) -> str:
    """The text of a section of the README."""
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_each_property_has_its_evidence() -> None:
    """Evidence is a page or a test in this repository, and a test that is named is one that pytest collects."""
    rows = [line for line in section("What it does that others don't").splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 6
    for row in rows:
        links = re.findall(r"\]\(([\w/.-]+)\)", row)
        assert links, row
        for link in links:
            assert (ROOT / link).is_file()
            assert not link.endswith(".py") or "\ndef test_" in (ROOT / link).read_text(encoding="utf-8")


def test_its_two_commands_work_on_a_fresh_clone() -> None:
    """They are targets of the Makefile, and nothing has to be filled in before they are typed."""
    lines = section("Two commands").partition("```bash\n")[2].partition("```")[0].splitlines()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert len(lines) == 2
    for line in lines:
        verb, target = line.split()[:2]
        assert verb == "make"
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert not re.search(r"\b[A-Z]+_OF_[A-Z_]+\b", TEXT)
