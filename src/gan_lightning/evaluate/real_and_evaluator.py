"""The two things that a measurement needs besides its source: the real images to measure against, and an evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf

from gan_lightning.config.compose import choices, config_folder
from gan_lightning.config.trust import build_trusted
from gan_lightning.data.stored import data_of_run
from gan_lightning.data.stream import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.evaluate.image_files import images_at
from gan_lightning.evaluate.source import Source, is_generator
from gan_lightning.generate.record import run_named_in
from gan_lightning.quality import Evaluator
from gan_lightning.runs.loading import stored_at


@dataclass(frozen=True)
class Against:
    """The real data that a source is measured against."""

    data: StreamDataModule
    config: Mapping[str, Any]
    """The configuration of the run that the data belong to; empty if they are images given as files."""


def measured_against(
    against: str | None, source: Source, changes: Mapping[str, Any], resolution: int | None, allow: Sequence[str]
) -> Against:
    """Find the real data to measure against, and read them.

    Args:
        against: A run folder or checkpoint, whose data are taken, or images given as files; None takes the data of the
            run that ``source`` comes from.
        source: The generators or images to measure.
        changes: Changes of the options of a run's data, such as where they are now.
        resolution: Number of pixels along each side of the images in a folder; None takes that of ``source``.
        allow: Modules of the user's own that a stored configuration may name.

    Raises:
        UserError: If nothing says what to measure against, or it can't be read.
    """
    path = None if against is None else Path(against)
    if resolution is not None and (path is None or is_generator(path)):
        raise UserError("resolution= is for real images in a folder, against=FOLDER: a run's data have their own.")
    if path is None:
        if not source.config:
            run = run_named_in(source.path if source.path.is_dir() else source.path.parent)
            lost = f" (it was drawn from a run in a folder {run!r}, which is not found from there)" if run else ""
            raise UserError(
                f"{source.path} does not say what to measure it against{lost}: against=RUN_FOLDER takes that run's "
                "data, against=FOLDER the images in it."
            )
        return Against(data_of_run(source.config, changes, allow), source.config)
    if is_generator(path):
        if not (config := stored_at(path).config):
            raise UserError(f"{against} is an export, which has no data: against=RUN_FOLDER takes that run's.")
        return Against(data_of_run(config, changes, allow), config)
    if changes:
        raise UserError(f"data.KEY= says where the data of a run are, and {against} holds images.")
    return Against(images_at(path, resolution or source.side()), {})


def evaluator_of(
    name: str | None,
    extractor: Mapping[str, Any],
    changes: Mapping[str, Any],
    config: Mapping[str, Any],
    allow: Sequence[str],
) -> Evaluator:
    """The evaluator of this name or, if no name is given, the one of a run, with changed options.

    Args:
        name: A choice of the group ``evaluator``; None takes the evaluator in ``config``.
        extractor: Changes of the options of the evaluator's extractor.
        changes: Changes of the options of the evaluator itself.
        config: The configuration of a run; empty if there is none.
        allow: Modules of the user's own that the configuration may name.

    Raises:
        UserError: If nothing says which evaluator, if there is none of this name, or if the extractor has no such
            option.
    """
    if name is None and not config.get("evaluator"):
        raise UserError(f"Say by which evaluator: evaluator=NAME, one of {', '.join(choices('evaluator'))}.")
    node = dict(config["evaluator"]) if name is None else evaluator_named(name)
    for option in extractor:
        if option not in node["extractor"] or option.startswith("_"):
            known = ", ".join(f"extractor.{each}" for each in node["extractor"] if not each.startswith("_"))
            raise UserError(f"There is no option 'extractor.{option}'; this extractor has {known or 'none'}.")
    evaluator = build_trusted({**node, **changes, "extractor": {**node["extractor"], **extractor}}, allow)
    if not isinstance(evaluator, Evaluator):
        raise UserError(f"evaluator: {type(evaluator).__name__} is no Evaluator.")
    return evaluator


def evaluator_named(name: str) -> dict[str, Any]:
    """The resolved configuration of a choice of the group ``evaluator``.

    Raises:
        UserError: If there is no choice of this name.
    """
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(config_folder(), version_base="1.3"):
            node = compose("train", [f"evaluator={name}"]).evaluator
    except HydraException as error:
        raise UserError(f"There is no evaluator={name}: choose one of {', '.join(choices('evaluator'))}.") from error
    plain = OmegaConf.to_container(node, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
