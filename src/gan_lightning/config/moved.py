"""The one table of names that have changed since a run may have been stored, and what puts today's in their place.

Run folders, checkpoints and exports keep dotted paths of classes, names of options and references between them. Whoever
reads one of these calls a function of this file first, so that the rest of the code knows today's names alone. What is
up to date already stays as it is. A command line is not brought up to date: it is refused, with today's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
"""Modules and classes below the package that a ``_target_`` may name, and where they are now."""
PARAMETERS = {
    "Bootstrap": {"measure": "metric"},
    "Evaluator": {"measures": "metrics"},
    "LitGAN": {"history": "image_pool"},
    "NoiseFloor": {"measure": "metric"},
    "Quality": {"measures": "metrics"},
    "TrainTestGap": {"measure": "metric"},
}
"""Parameters of classes of the package that have another name now; the classes are called as they were stored."""
OPTIONS = {
    "metrics": "evaluator",
    "evaluator.measures": "evaluator.metrics",
    "callbacks.quality.measures": "callbacks.quality.metrics",
    "callbacks.quality.evaluator.measures": "callbacks.quality.evaluator.metrics",
    "model.history": "model.image_pool",
}
"""Groups and options of train.py, and what they are called now; what lies below one moves with it."""
VERBS = {("evaluate.py", "metrics"): "evaluator", ("evaluate.py", "measures"): "metrics"}
"""Options of the other verbs. One name has gone to another option, so its values tell which of the two is meant."""
REFERENCE = re.compile(r"\$\{([\w.\-]+)\}")


def option_of_today(name: str) -> str:
    """What an option of train.py is called now; ``name`` itself if it never had another name."""
    for old, new in OPTIONS.items():  # a group first, then what lies below it
        if name == old or name.startswith(f"{old}."):
            name = new + name[len(old) :]
    return name


def renamed(old: str, new: str) -> str:
    """One line on an option that is called otherwise now."""
    return f"{old} is called {new} now: write {new}=..."


def up_to_date(config: Mapping[Any, Any]) -> dict[str, Any]:
    """A stored configuration with today's names.

    Args:
        config: Dictionaries, lists and plain values. References such as ``${data.channels}`` need not be resolved.
    """
    return {option_of_today(str(key)): _node(value) for key, value in config.items()}


def checkpoint_up_to_date(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint whose record has version 1, as version 2 has it."""
    record = {PARAMETERS["LitGAN"].get(key, key): value for key, value in checkpoint["gan_lightning"].items()}
    config = {"config": up_to_date(checkpoint["config"])} if "config" in checkpoint else {}
    return {**checkpoint, **config, "gan_lightning": {**record, "version": 2}}


def protocol_up_to_date(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """A stored protocol, in which a metric was a measure: its field, and what the metrics within metrics are called."""
    found = {"metric" if key == "measure" else key: value for key, value in protocol.items()}
    return {**found, "metric": found["metric"].replace("(measure=", "(metric=")} if "metric" in found else found


def _node(node: Any) -> Any:
    if isinstance(node, Mapping):
        names = _parameters(node.get("_target_"))
        moved = {names.get(key, key): _node(value) for key, value in node.items()}
        return {key: _target(value) if key == "_target_" else value for key, value in moved.items()}
    if isinstance(node, list):
        return [_node(value) for value in node]
    if isinstance(node, str):
        return REFERENCE.sub(lambda found: f"${{{option_of_today(found[1])}}}", node)
    return node


def _parameters(target: Any) -> Mapping[str, str]:
    inside = isinstance(target, str) and target.startswith(PACKAGE)
    return PARAMETERS.get(target.rpartition(".")[2], {}) if inside else {}


def _target(path: Any) -> Any:
    if not isinstance(path, str) or not path.startswith(PACKAGE):
        return path
    parts = path.removeprefix(PACKAGE).split(".")
    for count in range(len(parts), 0, -1):
        if (moved := TARGETS.get(".".join(parts[:count]))) is not None:
            return PACKAGE + ".".join([moved, *parts[count:]])
    return path
