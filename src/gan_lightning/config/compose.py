"""The configuration files: where they lie, which choices they offer, and what a command line composes to."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.errors import UserError
from gan_lightning.terminal import called

HYDRAS = ("hydra.", "hydra/")
"""Beginnings of the names of Hydra's own options and groups."""


def config_folder() -> str:
    """The folder ``conf/`` inside the installed package or, if there is none, the repository's own."""
    packaged = Path(__file__).parents[1] / "conf"
    return str(packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "conf")


def choices(group: str) -> list[str]:
    """Names of the choices of a group, those in the user's own folder (``--config-dir``) included."""
    words = sys.argv[1:]
    own = [word.partition("=")[2] for word in words if word.startswith("--config-dir=")]
    own += [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    return sorted({path.stem for folder in (config_folder(), *own) for path in (Path(folder) / group).glob("*.yaml")})


def help_on_groups() -> str:
    """The groups from which a command line can choose, one a line, each with its choices.

    Files that only other yamls refer to are in none of these groups.
    """
    defaults = OmegaConf.load(Path(config_folder()) / "train.yaml").defaults
    groups = sorted(str(name) for entry in defaults if isinstance(entry, DictConfig) for name in entry)
    return "\n".join(f"{name}: {', '.join(choices(name))}" for name in groups if not name.startswith("override "))


OmegaConf.register_new_resolver("help_on_groups", help_on_groups, replace=True)
OmegaConf.register_new_resolver("called", called, replace=True)


def flat_keys(node: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of all options and groups of a configuration, without following references."""
    for key in node:
        name = f"{prefix}.{key}" if prefix else str(key)
        yield name
        written_here = not OmegaConf.is_missing(node, key) and not OmegaConf.is_interpolation(node, key)
        if written_here and isinstance(node[key], DictConfig):
            yield from flat_keys(node[key], name)


def unreadable(words: Iterable[str]) -> str | None:
    """One line on the first word that Hydra's grammar can't read; None if all can be read.

    Hydra's own message often does not name the word.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in words:
        try:
            parser.parse_override(word)
        except HydraException as error:
            option, _, value = word.partition("=")
            quoted = shlex.quote(f"{option}='{value}'") if "'" not in value else shlex.quote(f'{option}="{value}"')
            reason = str(error).partition(" expecting ")[0]
            return f"{word} can't be read: {reason}. If the value is a text, put it in quotes twice: {quoted}."
    return None


def composed_without(wrong: str) -> DictConfig:
    """The configuration that this command line composes to if the option ``wrong`` is left out of it.

    If ``wrong`` is an option of Hydra's, only Hydra's part of the configuration is returned. If the rest of the line
    does not compose either, the defaults are composed.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    def composed(overrides: list[str]) -> DictConfig:
        GlobalHydra.instance().clear()
        with initialize_config_dir(config_folder(), version_base="1.3"):
            if wrong.startswith(HYDRAS):
                return OmegaConf.masked_copy(compose("train", overrides, return_hydra_config=True), "hydra")
            return compose("train", overrides)

    others = [word for word in sys.argv[1:] if "=" in word and word.lstrip("+~").partition("=")[0] != wrong]
    groups = [word for word in others if word.startswith("hydra/")]
    try:
        return composed([*groups, *(word for word in others if not word.startswith(("-", *HYDRAS)))])
    except Exception:  # a sweep or a second mistake; the defaults have most of the near matches, which are a courtesy
        return composed(groups)


OF_OTHER_DATA = re.compile(r"Interpolation key 'data\.(\w+)' not found")
"""Message of OmegaConf about a model that refers to an option of another kind of data."""


def resolve(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain containers, with every interpolation followed.

    A list of ints and floats becomes a list of floats, because YAML reads betas=[0,0.9] as an int and a float, which
    torch takes for a mistake.

    Raises:
        UserError: If a value is missing or refers to nothing.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        message = str(error).splitlines()[0]
        if fact := OF_OTHER_DATA.search(message):
            raise UserError(_of_other_data(fact[1], "channels_a" in config.data)) from error
        raise UserError(f"The configuration can't be resolved: {message}") from error
    assert isinstance(plain, dict)
    return {str(key): _of_one_kind(value) for key, value in plain.items()}


def _of_other_data(fact: str, two_domains: bool) -> str:
    """One line on a model that asks these data for a fact that they don't have."""
    if two_domains:
        return (
            f"These data have two domains, and the model refers to data.{fact}, which they don't have: choose "
            "a model that translates images, which is model=pix2pix for pairs and model=cyclegan or model=cut for any "
            "two domains, or other data, such as data=digits."
        )
    return (
        f"The model refers to data.{fact}, because it translates images, and these data don't have two domains: choose "
        "pairs, such as data=edges, or domains without partners, such as data=styles (of your own: data=pairs and "
        "data=domains), or a model that draws images, such as model=dcgan."
    )


def _of_one_kind(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _of_one_kind(value) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    kinds = {type(value) for value in node}
    return [float(value) for value in node] if kinds == {int, float} else [_of_one_kind(value) for value in node]
