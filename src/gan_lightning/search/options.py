"""The options of a search, from the configuration's node ``hydra.sweeper``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from omegaconf import OmegaConf

from gan_lightning.config.check import no_such_option
from gan_lightning.config.signatures import admits, choices_in_words
from gan_lightning.errors import UserError


@dataclass(frozen=True)
class SearchOptions:
    """The options of a search; ``conf/hydra/sweeper/optuna.yaml`` says what each of them means."""

    objective: str | list[str]
    n_trials: int
    n_jobs: int
    params: dict[str, Any]
    sampler: dict[str, Any]
    pruner: dict[str, Any] | None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> SearchOptions:
        """The options from the node that Hydra passes to the sweeper.

        Raises:
            UserError: If an option is unknown, of the wrong type or out of range.
        """
        plain: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(dict(given)), resolve=True)  # type: ignore[assignment]
        known = [each.name for each in fields(cls)]
        for name in plain:
            if name not in known:
                raise UserError(no_such_option(f"hydra.sweeper.{name}", [f"hydra.sweeper.{each}" for each in known]))
        for name, kind in get_type_hints(cls).items():
            if not admits(kind, plain[name]):
                raise UserError(f"hydra.sweeper.{name}={plain[name]}: {' or '.join(choices_in_words(kind))} is needed.")
        for name in ("params", "sampler", "pruner"):
            if not isinstance(plain[name], dict) and not (name == "pruner" and plain[name] is None):
                raise UserError(
                    f"hydra.sweeper.{name}={plain[name]}: options are needed, hydra.sweeper.{name}.NAME=..."
                )
        for name in ("n_trials", "n_jobs"):
            if plain[name] < 1:
                raise UserError(f"hydra.sweeper.{name}={plain[name]}: give at least 1.")
        return cls(**plain)

    @property
    def objectives(self) -> list[str]:
        """The names of the objectives, as a list also if there is only one."""
        return [self.objective] if isinstance(self.objective, str) else self.objective
