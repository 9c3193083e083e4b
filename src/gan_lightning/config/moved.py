"""The one table of names that have changed since a run may have been stored, and what puts today's in their place.

Run folders, checkpoints and exports keep dotted paths of classes. Whoever reads one of these calls a function of this
file first, so that the rest of the code knows today's names alone. What is up to date already stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PACKAGE = "gan_lightning."
MODULES = {
    "clipping": "games.clipping",
    "data.digits": "data.sets.digits",
    "data.folder": "data.pictures.folder",
    "data.torchvision_sets": "data.sets.torchvision_sets",
    "data.toy": "data.sets.toy",
    "ema": "games.ema",
    "history": "games.image_pool",
    "metrics.ClassifierExtractor": "metrics.extractors.ClassifierExtractor",
    "metrics.FrozenExtractor": "metrics.extractors.FrozenExtractor",
    "metrics.InceptionExtractor": "metrics.extractors.InceptionExtractor",
    "metrics.ModuleExtractor": "metrics.extractors.ModuleExtractor",
    "metrics.features": "metrics.extractors.frozen",
    "metrics.inception": "metrics.extractors.inception",
    "metrics.shipped": "metrics.extractors.shipped",
    "priors": "games.priors",
    "records": "runs.loggers",
    "schedules": "games.schedules",
}
"""Modules and classes below the package that a ``_target_`` may name, and where they are now."""


def up_to_date(config: Any) -> Any:
    """A stored configuration, or a part of one, with today's names.

    Args:
        config: Dictionaries, lists and plain values. References such as ``${data.channels}`` need not be resolved.
    """
    if isinstance(config, Mapping):
        return {key: _target(value) if key == "_target_" else up_to_date(value) for key, value in config.items()}
    if isinstance(config, list):
        return [up_to_date(value) for value in config]
    return config


def checkpoint_up_to_date(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint whose record has version 1, as version 2 has it."""
    config = {"config": up_to_date(checkpoint["config"])} if "config" in checkpoint else {}
    return {**checkpoint, **config, "gan_lightning": {**checkpoint["gan_lightning"], "version": 2}}


def _target(path: Any) -> Any:
    if not isinstance(path, str) or not path.startswith(PACKAGE):
        return path
    parts = path.removeprefix(PACKAGE).split(".")
    for count in range(len(parts), 0, -1):
        if (moved := MODULES.get(".".join(parts[:count]))) is not None:
            return PACKAGE + ".".join([moved, *parts[count:]])
    return path
