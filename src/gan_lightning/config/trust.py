"""Trust: which objects may be built from a configuration that somebody else may have written.

A ``_target_`` names code to run. A configuration that the user typed or composed may build anything. One that is read
from a run folder or a checkpoint may build only classes from the modules in ``ALLOWED``. The check is on the object
that is found and not on the name that is written, because ``torch.os.system`` has an innocent prefix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gan_lightning.config.instantiate import build, find, name_below
from gan_lightning.config.references import calls_a_resolver
from gan_lightning.errors import UserError

ALLOWED = (
    "gan_lightning",
    "torch.optim",
    "torch.nn.modules",
    "lightning.pytorch.callbacks",
    "lightning.pytorch.loggers",
    "lightning.pytorch.profilers",
    "lightning.pytorch.trainer.trainer",
)


def trusted_class(target: str, allow: Sequence[str] = ()) -> type:
    """The class that a dotted path names, if it comes from a trusted module.

    Args:
        target: The dotted path, for example ``gan_lightning.networks.DCGANGenerator``.
        allow: Further modules that the user vouches for.

    Raises:
        UserError: If the path does not name a class, or the class comes from a module that nobody vouched for.
    """
    # the first part of the path decides what may be imported at all; the object's own module decides the rest
    top_levels = {name.split(".")[0] for name in (*ALLOWED, *allow)}
    found: Any = None
    if target.split(".")[0] in top_levels:
        found = find(target)
    if not isinstance(found, type) or not any(_inside(found.__module__, name) for name in (*ALLOWED, *allow)):
        module = target.rsplit(".", 1)[0]
        raise UserError(
            f"{target} is named by a stored configuration and is not built unasked. If you wrote it or trust it, "
            f"add allow=[{module}]."
        )
    return found


def check_trusted(config: Any, allow: Sequence[str] = (), path: str = "") -> None:
    """Refuse a resolved configuration that names anything but trusted classes, or that could be resolved once more.

    Args:
        config: Dictionaries, lists and plain values, exactly as they are going to be built.
        allow: Further modules that the user vouches for.
        path: The name of ``config`` in the whole configuration, for messages.

    Raises:
        UserError: If it names code that nobody vouched for, or if one of its texts holds ``${``, because resolving
            that once more would build something that was not checked.
    """
    if isinstance(config, Mapping):
        if "_target_" in config:
            trusted_class(str(config["_target_"]), allow)
        for key, value in config.items():
            check_trusted(key, (), f"{path} (a key)")
            check_trusted(value, allow, name_below(path, key))
    elif isinstance(config, (list, tuple)):
        for index, value in enumerate(config):
            check_trusted(value, allow, f"{path}[{index}]")
    elif isinstance(config, str) and "${" in config:
        raise UserError(
            f"{path} of a stored configuration holds '${{' after it was resolved, as in {config[:60]!r}. A text that "
            "could be resolved once more is not built: write the value itself."
        )


def check_references(config: Any, path: str = "") -> None:
    """Refuse a stored configuration whose texts call a resolver, such as ``${oc.env:TOKEN}``; references are allowed.

    Resolvers read the environment and make new configurations. A run that records itself writes down their results
    (:func:`gan_lightning.train.record.record_of`), so a resolver in a stored configuration is somebody's own addition.

    Args:
        config: Dictionaries, lists and plain values, not yet resolved.
        path: The name of ``config`` in the whole configuration, for messages.

    Raises:
        UserError: If there is such a text; the message names its option.
    """
    if isinstance(config, Mapping):
        for key, value in config.items():
            check_references(key, f"{path} (a key)")
            check_references(value, name_below(path, key))
    elif isinstance(config, (list, tuple)):
        for index, value in enumerate(config):
            check_references(value, f"{path}[{index}]")
    elif isinstance(config, str) and calls_a_resolver(config):
        raise UserError(
            f"{path} of a stored configuration is {config[:60]!r}. Only references to other options are followed "
            f"there: give the value on the command line, {path}=..."
        )


def build_trusted(config: Any, allow: Sequence[str] = ()) -> Any:
    """Check a plain, resolved node of a configuration and build exactly what was checked, from trusted classes only.

    Raises:
        UserError: If the node names code that nobody vouched for, or can't be built.
    """
    check_trusted(config, allow)
    return build(config)


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
