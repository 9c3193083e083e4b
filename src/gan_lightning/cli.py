"""The command line of ``train.py``: Hydra composes, mistakes end in one line, ``resume=`` composes nothing."""

from __future__ import annotations

import atexit
import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import hydra
from omegaconf import DictConfig, OmegaConf

from gan_lightning.errors import UserError
from gan_lightning.rerun import rerun

LONGEST_NAME = 120
FAILED: list[str] = []
"""Jobs of this sweep that ended with a mistake."""


def config_folder() -> str:
    """``conf/`` inside an installed package, else the repository's own."""
    packaged = Path(__file__).with_name("conf")
    return str(packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "conf")


def job_name(number: Any, differs: str) -> str:
    """Folder name of a sweep's job: its number and what differs, cut where file systems end."""
    plain = re.sub("[^\\w.=-]+", "_", differs).replace("=", "-")  # nothing that Hydra's grammar or a shell would read
    if len(plain) > LONGEST_NAME:
        plain = f"{plain[:LONGEST_NAME]}-{hashlib.blake2b(plain.encode(), digest_size=4).hexdigest()}"
    return f"{number}_{plain}" if plain else str(number)


def main() -> None:
    """Entry point of ``train.py`` and ``gan-train``."""
    try:
        _main()
    except KeyboardInterrupt:  # before training; from then on the Checkpoint callback takes signals
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _main() -> None:
    OmegaConf.register_new_resolver("job_name", job_name, replace=True)
    for name, verb in STORED.items():
        if (source := next((word for word in sys.argv[1:] if word.startswith(f"{name}=")), None)) is not None:
            with mistakes_in_one_line():
                verb(Path(source.partition("=")[2]), [word for word in sys.argv[1:] if word != source])
            return
    _prepare_for_an_external_launcher()
    FAILED.clear()
    with hydras_mistakes_in_one_line():
        _compose_and_train()
    if FAILED:
        _end(f"{len(FAILED)} job(s) of the sweep failed: {'; '.join(FAILED)}")


@hydra.main(version_base="1.3", config_path=config_folder(), config_name="train")
def _compose_and_train(config: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    _release_stderr()
    context = HydraConfig.get()
    folder = Path(context.runtime.output_dir)
    with mistakes_in_one_line() if context.mode == RunMode.RUN else mistakes_of_a_job(folder):
        from gan_lightning.run import train

        OmegaConf.set_struct(config, False)
        train(config, folder, list(context.overrides.task))


def resume(folder: Path, overrides: Sequence[str]) -> None:
    """Go on in a run folder with the configuration that it was started with and explicit changes to it.

    Raises:
        UserError: There is nothing to go on from, or a change would make it another run.
    """
    from gan_lightning.checkpoint import LAST
    from gan_lightning.run import train
    from gan_lightning.runfolder import COMPOSED

    stored, last = folder / COMPOSED, folder / "checkpoints" / LAST
    if not stored.is_file() or not last.is_file():
        missing = stored if not stored.is_file() else last
        raise UserError(f"resume={folder}: {missing} is missing, so there is no run to go on with.")
    config = stored_configuration(stored)
    allow = apply_overrides(config, overrides)
    attempts = [int(entry.name) for entry in (folder / "attempts").glob("[0-9]*")]
    train(config, folder, overrides, 1 + max(attempts, default=0), last, allow)


def stored_configuration(stored: Path) -> DictConfig:
    """A stored configuration.

    Raises:
        UserError: It can't be read, or is no mapping.
    """
    try:
        config = OmegaConf.load(stored)
    except Exception as error:  # of the file system or of one of YAML's many kinds; the reason is in the text
        raise UserError(f"{stored} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, DictConfig):
        raise UserError(f"{stored} is no configuration of a run.")
    return config


STORED = {"resume": resume, "rerun": rerun}
"""What takes a stored configuration and composes nothing."""
FIXED = (
    *("seed", "data", "model", "prior", "loss", "penalty", "constraint", "n_critic", "discriminator_norm"),
    *("conditioning", "init_from", "run"),
)
"""What makes a run this run: changing it needs a new one."""
BUDGETS = {"kimg": None, "trainer.max_steps": -1, "trainer.max_epochs": None, "trainer.max_time": None}
"""Limits, and what lifts each: a new one given on resume replaces the old ones."""


def apply_overrides(config: DictConfig, overrides: Sequence[str]) -> list[str]:
    """Change values of a stored configuration; gives the modules that ``allow=[...]`` vouches for.

    Raises:
        UserError: The override is malformed, names nothing, or would change what the weights were trained as.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    from gan_lightning.config import LOCATIONS, no_such_option

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise UserError(" ".join(str(error).split())) from error
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


def flat_keys(node: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of all options of a configuration."""
    for key in node:
        name = f"{prefix}.{key}" if prefix else str(key)
        yield name
        written_here = not OmegaConf.is_missing(node, key) and not OmegaConf.is_interpolation(node, key)
        if written_here and isinstance(node[key], DictConfig):
            yield from flat_keys(node[key], name)


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """A user's mistake ends the program with its message and status 2, without a traceback."""
    try:
        yield
    except UserError as error:
        _end(str(error))


@contextmanager
def mistakes_of_a_job(folder: Path) -> Iterator[None]:
    """In a sweep the other jobs go on; the program says at its end which did not run, and exits with status 2."""
    try:
        yield
    except UserError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure.txt").write_text(f"{error}\n", encoding="utf-8")
        FAILED.append(f"{folder.name}: {error}")
        sys.stderr.write(f"error: {FAILED[-1]}\n")


class _Composing(io.StringIO):
    """Holds back what Hydra writes to standard error while it composes."""

    def __init__(self, real: Any) -> None:
        super().__init__()
        self.real = real


@contextmanager
def hydras_mistakes_in_one_line() -> Iterator[None]:
    """Say Hydra's complaints about overrides in one line that names near matches.

    Hydra prints them itself and exits, so its standard error is held back until the first job starts.
    """
    sys.stderr = _Composing(sys.stderr)
    try:
        yield
    except SystemExit as exit_:
        held = _release_stderr()
        if exit_.code == 1 and held:
            _end(translate(held))
        sys.stderr.write(held)
        raise
    finally:
        sys.stderr.write(_release_stderr())


def translate(complaint: str) -> str:
    """Hydra's words about a wrong override in ours, with near matches."""
    from gan_lightning.config import no_such_option

    if found := re.search(r"Could not override '?([^'\s]+?)'?\.?(?:\s|$)", complaint):
        config = composed_without(found.group(1))
        return to_be_added(config, found.group(1)) or no_such_option(
            found.group(1), [*flat_keys(config), "experiment", "allow", *STORED]
        )
    if found := re.search(r"Could not (?:find|load) '([^']+)/([^'/]+)'", complaint):
        group, choice = found.groups()
        return _no_such_choice(group, choice, choices(group))
    lines = [line for line in complaint.splitlines() if line.strip() and "HYDRA_FULL_ERROR" not in line]
    return lines[-1] if "Traceback" in complaint else " ".join(line.strip() for line in lines)


def choices(group: str) -> list[str]:
    """Names of the yamls of a group, the user's own (``--config-dir``) among them."""
    words = sys.argv[1:]
    own = [word.partition("=")[2] for word in words if word.startswith("--config-dir=")]
    own += [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    return sorted({path.stem for folder in (config_folder(), *own) for path in (Path(folder) / group).glob("*.yaml")})


def composed_without(wrong: str) -> DictConfig:
    """The configuration under the choices of this command line, as far as they compose without ``wrong``."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    def composed(overrides: list[str]) -> DictConfig:
        GlobalHydra.instance().clear()
        with initialize_config_dir(config_folder(), version_base="1.3"):
            return compose("train", overrides)

    others = [word for word in sys.argv[1:] if "=" in word and word.lstrip("+~").partition("=")[0] != wrong]
    try:
        return composed([word for word in others if not word.startswith(("-", "hydra"))])
    except Exception:  # a sweep, or a second mistake: near matches are a courtesy, and the defaults have most of them
        return composed([])


def to_be_added(config: DictConfig, key: str) -> str | None:
    """What to say of an option that exists but stands in no yaml."""
    from gan_lightning.config import REFUSED, parameters

    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(config, parent, throw_on_resolution_failure=False) if parent else None
    if key in REFUSED or not isinstance(node, DictConfig) or "_target_" not in node:
        return None
    if last not in (parameters(str(node["_target_"]), parent) or ()):
        return None
    return f"{key} stands in no yaml yet: add it with a plus, +{key}=..."


def _no_such_choice(group: str, choice: str, options: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(choice, options, 2, 0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no {group}={choice}.{hint} Choices: {', '.join(options)}."


def _release_stderr() -> str:
    """Give standard error back; returns what was held."""
    if not isinstance(sys.stderr, _Composing):
        return ""
    held = sys.stderr
    sys.stderr = held.real
    return held.getvalue()


def _exists(config: DictConfig, key: str) -> bool:
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and last in node


def _prepare_for_an_external_launcher() -> None:
    """Under torchrun or SLURM every rank composes; only rank 0's run folder is meant to exist."""
    if not any(name in os.environ for name in ("TORCHELASTIC_RUN_ID", "SLURM_PROCID")):
        return
    from gan_lightning.devices import external_environment, external_rank

    if external_environment() is None:
        return
    if any(word in ("-m", "--multirun") for word in sys.argv[1:]):
        _end("a sweep starts its own processes: run it without torchrun or srun, with trainer.devices=N.")
    if external_rank() > 0:
        scratch = tempfile.mkdtemp(prefix="gan-lightning-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        sys.argv.append(f"hydra.run.dir={scratch}")


def _end(message: str) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)
