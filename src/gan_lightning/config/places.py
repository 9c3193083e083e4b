"""Places on this machine that a configuration names: where a run reads its data, and where its objects may write.

A configuration that somebody else may have written is read from the places that it names, but nothing is written,
created or downloaded there unless the user says so on the command line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config.instantiate import name_below
from gan_lightning.errors import UserError

LOCATIONS = ("data.data_dir", "data.root", "data.file", "data.a", "data.b", "data.glued")
"""Options that name places on this machine.

They are stored as absolute paths, so that a run resumes from any folder, and may change when a run is resumed.
"""

WRITERS = ("logger", "callbacks", "trainer")
"""Groups whose objects write files while a run trains."""

WRITTEN_TO = ("folder", "save_dir", "log_dir", "dirpath", "default_root_dir")
"""Names of options that say where an object writes; a relative path there begins at the current folder."""

READ_FROM = "weights"
"""Name of the option of feature extractors that says which file they are read from."""

DOWNLOAD = "download"
"""Name of the option of data sets that says whether missing files are downloaded."""

ELSEWHERE = re.compile(r"^file:|::|^(?!https?://)[\w+.-]+://")
"""Pattern of addresses by which loggers reach files in another way than by a path, such as ``file:///home``."""


def located(config: DictConfig) -> DictConfig:
    """A copy of the configuration in which the places of files are absolute paths."""
    new = config.copy()
    for name in LOCATIONS:
        if isinstance(place := OmegaConf.select(new, name), str):
            OmegaConf.update(new, name, str(Path(place).expanduser().resolve()))
    return new


def without_downloads(node: Any) -> Any:
    """A copy of a stored configuration, or of a part of it, in which no data set may download anything.

    A download creates files at a place that the configuration names. ``data.download=true`` on the command line allows
    it again.

    Args:
        node: Dictionaries, lists and plain values.
    """
    if isinstance(node, Mapping):
        return {key: False if key == DOWNLOAD else without_downloads(value) for key, value in node.items()}
    return [without_downloads(value) for value in node] if isinstance(node, (list, tuple)) else node


def names_of(overrides: Sequence[str]) -> set[str]:
    """The full names of the options that the words of a command line give."""
    return {word.partition("=")[0].lstrip("+~") for word in overrides}


def check_places(config: Mapping[str, Any], folder: Path, said: Collection[str] = ()) -> None:
    """Refuse a resolved stored configuration that would write outside the folder of its run.

    An option that is known to say where an object writes must lie in the folder. Below the loggers, the callbacks and
    the Trainer, where a class may call such an option anything, no text may lead out of the folder, and no value may
    be given without a name.

    Args:
        config: Dictionaries, lists and plain values, as they are going to be built.
        folder: The run folder.
        said: Full names of the options that the user gave on the command line, which may lead anywhere.

    Raises:
        UserError: If there is such an option; the message names it.
    """
    for group, node in config.items():
        _check(node, str(group), str(group), folder, said, group in WRITERS)


def _check(node: Any, path: str, key: str, folder: Path, said: Collection[str], writes: bool) -> None:
    if path in said:
        return
    if isinstance(node, Mapping):
        for each, value in node.items():
            _check(value, name_below(path, each), str(each), folder, said, writes)
    elif key == "_args_" and writes:
        raise UserError(
            f"{path} of a stored configuration gives values without names, which may be places of files: give "
            "each by the name of its option there."
        )
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            _check(value, f"{path}[{index}]", key, folder, said, writes)
    elif isinstance(node, str):
        named = key in WRITTEN_TO and not _lies_in(Path(node), folder)
        if named or (writes and key != READ_FROM and _leads_out_of(folder, node)):
            raise UserError(
                f"{path}={node} of a stored configuration lies outside the run folder {folder}, where another run's "
                f"files may be. Say it on the command line: {path}='${{run.folder}}'."
            )


def _leads_out_of(folder: Path, text: str) -> bool:
    """Whether a text, taken for a path, leads out of a folder; loggers write out ``~`` and ``$HOME`` themselves."""
    place = os.path.expandvars(os.path.expanduser(text))
    outside = Path(place).is_absolute() and not _lies_in(Path(place), folder)
    return outside or ".." in re.split(r"[/\\]", place) or ELSEWHERE.search(place) is not None


def _lies_in(place: Path, folder: Path) -> bool:
    return place.resolve().is_relative_to(folder.resolve())
