"""The one table of names that have changed since a run may have been stored, and functions that put in today's names.

Run folders, checkpoints and exports keep dotted paths of classes, names of options and references between them. Code
that reads one of these calls a function of this module first, so that all other code knows only today's names. Names
that are up to date stay as they are. A command line with an old name is not brought up to date, but refused with a
message that gives today's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_lightning.config.references import REFERENCE

PACKAGE = "gan_lightning."
TARGETS = {
    "clipping": "games.clipping",
    "data.digits": "data.sets.digits",
    "data.folder": "data.pictures.folder",
    "data.torchvision_sets": "data.sets.torchvision_sets",
    "data.toy": "data.sets.toy",
    "ema": "games.ema",
    "history": "games.image_pool",
    "history.FakeHistory": "games.image_pool.ImagePool",
    "LitGAN": "games.GAN",
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
"""Modules and classes below the package that a stored ``_target_`` may name, each with its path of today."""
PARAMETERS = {
    "Bootstrap": {"measure": "metric"},
    "Domains": {"val_share": "test_share"},
    "Evaluator": {"measures": "metrics"},
    "LitGAN": {"history": "image_pool"},
    "NoiseFloor": {"measure": "metric"},
    "Pairs": {"val_share": "test_share"},
    "Quality": {"measures": "metrics"},
    "TrainTestGap": {"measure": "metric"},
}
"""Parameters of the package's classes with their names of today, by the class's name in stored configurations."""
OPTIONS = {
    "metrics": "evaluator",
    "evaluator.measures": "evaluator.metrics",
    "callbacks.quality.measures": "callbacks.quality.metrics",
    "callbacks.quality.evaluator.measures": "callbacks.quality.evaluator.metrics",
    "model.history": "model.image_pool",
    "data.val_share": "data.test_share",
}
"""Groups and options of train.py with their names of today; the options of a group move with it."""
VERBS = {("evaluate.py", "metrics"): "evaluator", ("evaluate.py", "measures"): "metrics"}
"""Options of the other verbs with their names of today.

The name ``metrics`` belongs to another option now, so the type of its value tells which of the two is meant.
"""


def option_of_today(name: str) -> str:
    """Today's name of an option of train.py, which is ``name`` itself if the option was never renamed."""
    for old, new in OPTIONS.items():  # a group first, then what lies below it
        if name == old or name.startswith(f"{old}."):
            name = new + name[len(old) :]
    return name


def renamed(old: str, new: str) -> str:
    """One line on an option that has another name now."""
    return f"{old} is called {new} now: write {new}=..."


def up_to_date(config: Mapping[Any, Any]) -> dict[str, Any]:
    """A stored configuration with today's names.

    Args:
        config: Dictionaries, lists and plain values; references such as ``${data.channels}`` need not be resolved.
    """
    return {option_of_today(str(key)): _node(value) for key, value in config.items()}


def checkpoint_up_to_date(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint of version 1 in the form of version 2."""
    record = {PARAMETERS["LitGAN"].get(key, key): value for key, value in checkpoint["gan_lightning"].items()}
    config = {"config": up_to_date(checkpoint["config"])} if "config" in checkpoint else {}
    return {**checkpoint, **config, "gan_lightning": {**record, "version": 2}}


def protocol_up_to_date(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """A stored protocol with today's names: ``metric`` used to be called ``measure``.

    This holds for the field and for the parameter of metrics that wrap another metric, such as ``Bootstrap``.
    """
    found = {"metric" if key == "measure" else key: value for key, value in protocol.items()}
    return {**found, "metric": found["metric"].replace("(measure=", "(metric=")} if "metric" in found else found


def _node(node: Any) -> Any:
    if isinstance(node, Mapping):
        names = _parameters(node.get("_target_"))
        moved = {names.get(key, key): _node(value) for key, value in node.items()}
        return {key: target_of_today(value) if key == "_target_" else value for key, value in moved.items()}
    if isinstance(node, list):
        return [_node(value) for value in node]
    if isinstance(node, str):
        return REFERENCE.sub(lambda found: found[0] if found[1] else f"${{{option_of_today(found[2])}}}", node)
    return node


def _parameters(target: Any) -> Mapping[str, str]:
    inside = isinstance(target, str) and target.startswith(PACKAGE)
    return PARAMETERS.get(target.rpartition(".")[2], {}) if inside else {}


def target_of_today(path: Any) -> Any:
    """Today's dotted path of a class of the package, which is ``path`` itself if the class was never moved."""
    if not isinstance(path, str) or not path.startswith(PACKAGE):
        return path
    parts = path.removeprefix(PACKAGE).split(".")
    for count in range(len(parts), 0, -1):
        if (moved := TARGETS.get(".".join(parts[:count]))) is not None:
            return PACKAGE + ".".join([moved, *parts[count:]])
    return path
