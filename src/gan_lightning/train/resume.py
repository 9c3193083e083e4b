"""``resume=RUN_FOLDER`` goes on with a run under the configuration that it was started with; nothing is composed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.check import FIXED
from gan_lightning.config.compose import flat_keys, unreadable
from gan_lightning.config.modest import require_modest
from gan_lightning.config.moved import up_to_date
from gan_lightning.config.places import DOWNLOAD, LOCATIONS, without_downloads
from gan_lightning.errors import UserError
from gan_lightning.runs.folder import RunFolder

BUDGETS = {"kimg": None, "trainer.max_steps": -1, "trainer.max_epochs": None, "trainer.max_time": None}
"""Limits of a run's length, each with the value that lifts it; a limit given on resume replaces all the old ones."""


def resume(folder: Path, overrides: Sequence[str]) -> None:
    """Go on in a run folder with the configuration that the run was started with and explicit changes to it.

    Raises:
        UserError: If there is nothing to go on from, or a change would make it another run.
    """
    from gan_lightning.train.run import train

    run = run_at(folder)
    if run.attempts() and not run.checkpoints.is_dir():
        raise UserError(
            f"resume={folder}: the run ended before its first checkpoint, so there is nothing to go on with. Start it "
            f"again with the line that started it and hydra.run.dir={folder}; what is there moves to "
            f"{RunFolder.all_attempts}/."
        )
    if (missing := next((file for file in (run.composed, run.last) if not file.is_file()), None)) is not None:
        raise UserError(f"resume={folder}: {missing} is missing, so there is no run to go on with.")
    config = read_stored(run)
    allow = apply_overrides(config, overrides)
    train(config, run.path, overrides, run.next_attempt().number, run.last, allow)


def run_at(source: Path) -> RunFolder:
    """The run that a word names: its folder, or the last checkpoint in it.

    Raises:
        UserError: If it names another file.
    """
    if not source.is_file():
        return RunFolder(source)
    run = RunFolder.around(source)
    if source.resolve() != run.last.resolve():
        raise UserError(
            f"resume={source}: a run goes on from its last checkpoint, {run.last}: give its folder. From the weights "
            f"of another file a new run starts: init_from={source}."
        )
    return run


def read_stored(run: RunFolder) -> DictConfig:
    """The configuration that a run was started with, under today's names and without permission to download.

    Raises:
        UserError: If it can't be read, or is not a mapping.
    """
    stored = run.composed
    try:
        require_modest(stored.read_text(encoding="utf-8"), stored)
        config = OmegaConf.load(stored)
    except UserError:
        raise
    except Exception as error:  # from the file system or any of YAML's many kinds; the text has the reason
        raise UserError(f"{stored} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, DictConfig):
        raise UserError(f"{stored} is no configuration of a run.")
    plain = OmegaConf.to_container(config)
    assert isinstance(plain, dict)
    today = up_to_date(plain)
    if isinstance(today.get("data"), str):  # because what it refers to might download
        raise UserError(f"{stored}: data must be a group of options, and no reference to one.")
    return OmegaConf.create({**today, "data": without_downloads(today.get("data"))})


def apply_overrides(config: DictConfig, overrides: Sequence[str]) -> list[str]:
    """Change values of a stored configuration in place, and return the modules that ``allow=[...]`` vouches for.

    Raises:
        UserError: If an override is malformed, names nothing, or would change what the weights were trained as.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    from gan_lightning.config.check import no_such_option

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
        elif key.split(".")[0] in FIXED and key not in (*LOCATIONS, f"data.{DOWNLOAD}"):
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
