"""Hands a trial to the job that runs it through an environment variable.

The trial is not part of the configuration, so that a job trains what the same overrides train on the command line, and
so that no run folder is named after it. Hydra sets the variable for the job alone, in whichever process its launcher
runs it, and the processes of the job inherit it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import optuna
from hydra.core.override_parser.types import Quote, QuotedString

from gan_lightning.config.instantiate import build
from gan_lightning.search import VARIABLE
from gan_lightning.search.storage import STUDY, open_storage


@dataclass(frozen=True)
class HandedTrial:
    """A running trial of a study with one objective, and the pruner that decides whether it should go on."""

    path: str
    """Path of the study's file."""
    number: int
    objective: str
    pruner: Mapping[str, Any] = field(default_factory=dict)
    """The pruner's node of the configuration, which comes from the user's command line and never from a file."""

    @classmethod
    def from_environment(cls) -> HandedTrial:
        """The trial that was handed to this process's job."""
        return cls(**json.loads(os.environ[VARIABLE]))

    def word(self) -> str:
        """The override by which Hydra hands this trial to a job."""
        text = QuotedString(json.dumps(asdict(self)), Quote.single).with_quotes()
        return f"hydra.job.env_set.{VARIABLE}={text}"

    def should_prune(self, value: float, step: int) -> bool:
        """Record a measurement in the study, and ask the pruner whether the trial should end.

        Args:
            value: Value of the objective.
            step: Number of the measuring interval, by which trials are compared.
        """
        study = self._study
        storage = study._storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, self.number)
        storage.set_trial_intermediate_value(trial_id, step, value)
        return bool(study.pruner.prune(study, storage.get_trial(trial_id)))  # some pruners return NumPy's bool

    @cached_property
    def _study(self) -> optuna.Study:
        return optuna.load_study(study_name=STUDY, storage=open_storage(self.path), pruner=build(self.pruner))
