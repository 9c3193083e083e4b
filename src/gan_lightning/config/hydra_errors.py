"""Translate Hydra's complaints about a wrong command line into one line that names near matches."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.compose import HYDRAS, choices, composed_without, flat_keys, unreadable
from gan_lightning.config.moved import option_of_today, renamed
from gan_lightning.config.near_matches import did_you_mean
from gan_lightning.terminal import called, end

OF_QUALITY = "callbacks.quality."
"""Beginning of the options that exist only if quality is measured.

A search turns that on by itself, but only after Hydra has composed the configuration.
"""


class _Composing(io.StringIO):
    """Stand-in for standard error that holds back what Hydra writes while it composes."""

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.real = real


@contextmanager
def hydras_mistakes_in_one_line() -> Iterator[None]:
    """Print Hydra's complaints about overrides as one line that names near matches.

    Hydra prints its complaints itself and exits, so standard error is held back until the first job starts.
    """
    sys.stderr = _Composing(sys.stderr)
    try:
        yield
    except SystemExit as exit_:
        held = release_stderr()
        if exit_.code == 1 and held:
            end(translate(held))
        if exit_.code == 2 and held.startswith("usage:"):  # of argparse, which reads the words that begin with a minus
            reason = held.rstrip().rpartition("error: ")[2]
            end(f"{reason}: options are written as option=value ({called('train.py')} --help).")
        sys.stderr.write(held)
        raise
    finally:
        sys.stderr.write(release_stderr())


def translate(complaint: str) -> str:
    """One line in our own words for Hydra's complaint about a wrong override, with near matches."""
    if found := re.search(r"Could not override '?([^'\s]+?)'?\.?(?:\s|$)", complaint):
        key, config = found.group(1), composed_without(found.group(1))
        return _no_such_option_of_hydra(key, config) if key.startswith(HYDRAS) else _no_such_option(key, config)
    if found := re.search(r"Error parsing override '(.*)'\s+(.+)", complaint):
        return f"{found.group(1)} can't be read: {found.group(2).partition(' expecting ')[0]}."
    if "override_grammar" in complaint and (line := unreadable(word for word in sys.argv[1:] if "=" in word)):
        return line
    if found := re.search(r"Error merging override (\S+)\s+(.+)", complaint):
        return f"{found.group(1)}: {found.group(2)}."
    if found := re.search(r"Could not (?:find|load) '([^']+)/([^'/]*)'", complaint):
        group, choice = found.groups()
        return _no_such_choice(group, choice, choices(group))
    if found := re.search(r"Unknown plugin class : 'hydra_plugins\.hydra_(\w+)_(launcher|sweeper)\.", complaint):
        name, kind = found.groups()
        return f"This {kind} is not installed: pip install 'gan-lightning[{name}]'"
    lines = [line for line in complaint.splitlines() if line.strip() and "HYDRA_FULL_ERROR" not in line]
    return lines[-1] if "Traceback" in complaint else " ".join(line.strip() for line in lines)


def to_be_added(config: DictConfig, key: str) -> str | None:
    """One line on an option that exists but appears in no yaml; None if ``key`` is not such an option."""
    from gan_lightning.config.check import REFUSED
    from gan_lightning.config.signatures import parameters

    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(config, parent, throw_on_resolution_failure=False) if parent else None
    if key in REFUSED or not isinstance(node, DictConfig) or "_target_" not in node:
        return None
    if last not in (parameters(str(node["_target_"]), parent) or ()):
        return None
    return f"{key} stands in no yaml yet: add it with a plus, +{key}=..."


def _no_such_option(key: str, config: DictConfig) -> str:
    from gan_lightning.config.check import no_such_option

    if (today := option_of_today(key)) != key:
        return renamed(key, today)
    chosen = any(word.startswith("callbacks=") for word in sys.argv[1:])
    if key.startswith(OF_QUALITY) and not chosen and "quality" not in (config.callbacks or {}):
        return f"{key} is an option of callbacks=quality: add that word too."
    verbs = ("experiment", "allow", "resume", "rerun")
    return to_be_added(config, key) or no_such_option(key, [*flat_keys(config), *verbs])


def _no_such_option_of_hydra(key: str, config: DictConfig) -> str:
    """One line on an unknown option of Hydra's, with the launcher or sweeper that is chosen.

    The choice is named because another launcher or sweeper has other options.
    """
    from gan_lightning.config.check import no_such_option

    chosen = config.hydra.runtime.choices
    groups = [name for name in chosen if str(name).startswith(HYDRAS)]
    line = no_such_option(key, [*groups, *(name for name in flat_keys(config) if not name.startswith("hydra.runtime"))])
    group = "/".join(key.split(".")[:2])
    if group not in chosen or "Did you mean" in line:
        return line
    others = ", ".join(choice for choice in choices(group) if choice != chosen[group])
    return f"{line} {group}={chosen[group]} is chosen; others are {others}."


def _no_such_choice(group: str, choice: str, options: Sequence[str]) -> str:
    return f"There is no {group}={choice}.{did_you_mean(choice, options, alike=0.5)} Choices: {', '.join(options)}."


def release_stderr() -> str:
    """Put the real standard error back and return the text that was held back."""
    if not isinstance(sys.stderr, _Composing):
        return ""
    held = sys.stderr
    sys.stderr = held.real
    return held.getvalue()
