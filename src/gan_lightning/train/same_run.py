"""Whether a resumed run is still the run that its checkpoint was trained as, on the data that it was trained on.

The stored configuration is a file that anybody can edit, and the data lie in folders that anybody can change. What was
trained stands in the checkpoint too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan_lightning.config.check import FIXED
from gan_lightning.config.instantiate import name_below
from gan_lightning.config.places import LOCATIONS
from gan_lightning.config.unknown_keys import is_reference
from gan_lightning.data import StreamDataModule
from gan_lightning.errors import UserError
from gan_lightning.parallel.devices import external_rank

MAY_CHANGE = (*LOCATIONS, "data.download", "init_from", "run")
"""Options among ``FIXED`` that are no part of what was trained, or are found out at every start."""


def record_of_data(data: StreamDataModule) -> dict[str, Any]:
    """The class names and the fingerprint of the data, as a run stores them under ``run`` in its configuration."""
    return {"class_names": list(data.class_names), "fingerprint": data.fingerprint()}


def require_same_run(
    composed: DictConfig, now: Mapping[str, Any], trained: Mapping[str, Any], checkpoint: Path
) -> None:
    """Refuse to go on with another seed, network, loss or batch size than the checkpoint was trained with.

    Args:
        composed: The configuration with its references; a value that refers to another is judged where that one stands.
        now: The same configuration with every reference followed.
        trained: The configuration in the checkpoint.
        checkpoint: The file, for the message.

    Raises:
        UserError: If an option has changed; the message has its name and both values.
    """
    for name in FIXED:
        if name in MAY_CHANGE or is_reference(composed, name):
            continue
        for option, is_now, was in _differences(composed[name], now.get(name), trained.get(name), name):
            raise UserError(
                f"{option}={_shown(is_now)} now, but {checkpoint} was trained with {option}={_shown(was)}: put that "
                "back, or start a new run from its weights, init_from=RUN_FOLDER."
            )


def other_data(now: Mapping[str, Any], trained: Mapping[str, Any]) -> str:
    """One line if the training data are not those of the checkpoint; empty if they are, or if it does not say."""
    if (was := trained.get("fingerprint")) in (None, now["fingerprint"]):
        return ""
    return f"the training data are not those that this run has seen so far (fingerprint {now['fingerprint']}, {was})"


def on_other_data(choice: str | None, difference: str) -> None:
    """Say that the training data have changed, or refuse to go on with them.

    Args:
        choice: The option ``changed_data``; None, in runs of earlier releases, is "say".
        difference: The line on what has changed; empty if nothing has.

    Raises:
        UserError: If the data have changed and the choice is "refuse".
    """
    if difference and choice == "refuse":
        raise UserError(f"changed_data=refuse: {difference}.")
    if difference and external_rank() == 0:
        print(f"warning: {difference}; changed_data=refuse ends such a run", flush=True)


def _differences(raw: Any, now: Any, trained: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Full name, value now and value in the checkpoint of each option that differs."""
    if name in MAY_CHANGE:
        return
    if isinstance(now, Mapping) and isinstance(trained, Mapping):
        for key in dict.fromkeys((*now, *trained)):
            known = isinstance(raw, DictConfig) and key in raw
            if known and is_reference(raw, key):
                continue
            below = raw[key] if known else None
            yield from _differences(below, now.get(key), trained.get(key), name_below(name, key))
    elif now != trained:
        yield name, now, trained


def _shown(value: Any) -> str:
    return "null" if value is None else " ".join(str(value).split())[:80]
