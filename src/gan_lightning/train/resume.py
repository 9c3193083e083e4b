"""``resume=RUN_FOLDER``: nothing is composed; the run goes on with what it was started with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.compose import flat_keys, unreadable
from gan_lightning.config.moved import up_to_date
from gan_lightning.errors import UserError
from gan_lightning.runs.folder import RunFolder

FIXED = (
    *("seed", "data", "model", "prior", "loss", "penalty", "constraint", "n_critic", "discriminator_norm"),
    *("conditioning", "init_from", "run"),
)
"""What makes a run this run: changing it needs a new one."""
BUDGETS = {"kimg": None, "trainer.max_steps": -1, "trainer.max_epochs": None, "trainer.max_time": None}
"""Limits, and what lifts each: a new one given on resume replaces the old ones."""


def resume(folder: Path, overrides: Sequence[str]) -> None:
    """Go on in a run folder with the configuration that it was started with and explicit changes to it.

    Raises:
        UserError: There is nothing to go on from, or a change would make it another run.
    """
    from gan_lightning.train.run import train

    run = RunFolder(folder)
    if (missing := next((file for file in (run.composed, run.last) if not file.is_file()), None)) is not None:
        raise UserError(f"resume={folder}: {missing} is missing, so there is no run to go on with.")
    config = read_stored(run)
    allow = apply_overrides(config, overrides)
    train(config, folder, overrides, run.next_attempt().number, run.last, allow)


def read_stored(run: RunFolder) -> DictConfig:
    """The configuration that a run was started with, with today's names.

    Raises:
        UserError: It can't be read, or is no mapping.
    """
    stored = run.composed
    try:
        config = OmegaConf.load(stored)
    except Exception as error:  # of the file system or of one of YAML's many kinds; the reason is in the text
        raise UserError(f"{stored} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, DictConfig):
        raise UserError(f"{stored} is no configuration of a run.")
    plain = OmegaConf.to_container(config)
    assert isinstance(plain, dict)
    return OmegaConf.create(up_to_date(plain))


def apply_overrides(config: DictConfig, overrides: Sequence[str]) -> list[str]:
    """Change values of a stored configuration; gives the modules that ``allow=[...]`` vouches for.

    Raises:
        UserError: The override is malformed, names nothing, or would change what the weights were trained as.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    from gan_lightning.config.check import LOCATIONS, no_such_option

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise UserError(unreadable(overrides) or " ".join(str(error).split())) from error
    allow: list[str] = []
    if BUDGETS.keys() & {override.key_or_group for override in parsed}:
        for name, unlimited in BUDGETS.items():
            OmegaConf.update(config, name, unlimited)
    for override in parsed:
        key = override.key_or_group
        value: Any = override.value()
        if override.is_sweep_override():
            raise UserError(f"{override.input_line}: a run is resumed with one value, not with a sweep.")
        if key == "allow":
            allow = [value] if isinstance(value, str) else list(value)
        elif key.split(".")[0] in FIXED and key not in (*LOCATIONS, "data.download"):
            raise UserError(
                f"{override.input_line} would make this another run. Start a new one from its weights instead: "
                "init_from=RUN_FOLDER."
            )
        elif OmegaConf.select(config, key, throw_on_missing=False) is None and not _exists(config, key):
            if not override.is_add():
                raise UserError(no_such_option(key, flat_keys(config)))
            OmegaConf.update(config, key, value, force_add=True)
        elif isinstance(OmegaConf.select(config, key), DictConfig) and not isinstance(value, dict):
            raise UserError(f"{override.input_line}: groups can't be chosen again on resume; set single options.")
        else:
            OmegaConf.update(config, key, value)
    return allow


def _exists(config: DictConfig, key: str) -> bool:
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and last in node
