"""The Optuna study of a search, which is kept in a file, goes on after a restart, and is never mixed with another."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState

from gan_lightning.config.instantiate import build
from gan_lightning.config.job_names import WITHOUT_EFFECT
from gan_lightning.errors import UserError
from gan_lightning.randomness import hashed_seed
from gan_lightning.runs.protocol import Protocol, require_same
from gan_lightning.search.objective import Objective
from gan_lightning.search.space import Space
from gan_lightning.search.storage import FILE, STUDY, mend, open_storage


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep a second search out of a folder, because it would take the running trials of the first for cut off.

    Raises:
        UserError: If another process searches in the folder, or if the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".search.lock", timeout=0):
            yield
    except Timeout as error:
        raise UserError(f"{folder}: another process searches here. Wait for its end.") from error
    except OSError as error:
        raise UserError(f"Can't write {folder}: {error.strerror}.") from error


def build_sampler(node: Mapping[str, Any], number: int) -> optuna.samplers.BaseSampler:
    """The sampler that suggests trial ``number``, with a seed that follows from the configured one and the number.

    Raises:
        UserError: If there is no such sampler, or if it does not know one of its options.
    """
    seeded = {"seed": hashed_seed(node["seed"], "trial", number)} if node.get("seed") is not None else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = build({**node, **seeded}, "hydra.sweeper.sampler")
    if not isinstance(sampler, optuna.samplers.BaseSampler):
        raise UserError(f"hydra.sweeper.sampler._target_={node.get('_target_')} is no sampler of Optuna's.")
    return sampler


class Study:
    """Optuna's study in the folder of one sweep.

    Args:
        folder: The sweep's folder.
        objectives: The numbers that are improved.
        space: The search space; like the objectives, it must be the same as at earlier starts.
        sampler: The sampler's node of the configuration. If it has a ``seed``, a suggestion is a function of that seed,
            of the trial's number and of the trials before it, so that a search which was cut off suggests the same
            trials as one which was not.

    Raises:
        UserError: If the folder holds the study of another search, or one that can't be read.
    """

    def __init__(self, folder: Path, objectives: Sequence[Objective], space: Space, sampler: Mapping[str, Any]) -> None:
        self.path = folder / FILE
        self.objectives = objectives
        self.space = space
        self.sampler = dict(sampler)
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # hides its line on every trial, because we print our own
        try:
            mend(self.path)
            self._study = optuna.create_study(
                study_name=STUDY,
                storage=open_storage(self.path),
                directions=[objective.direction for objective in objectives],
                load_if_exists=True,
            )
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise UserError(
                f"{self.path} can't be read: {type(error).__name__}: {' '.join(str(error).split())}. Move it away to "
                "search anew: jobs that are done are not trained again."
            ) from error
        # Without this, Optuna raises an error if a sampler that has tried everything asks to stop.
        self._study._thread_local.in_optimize_loop = True
        self._require_same_search()

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has nothing left to try, for example because it has covered a whole grid."""
        return self._study._stop_flag

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials in the order of their numbers."""
        return self._study.get_trials()

    @property
    def best(self) -> list[FrozenTrial]:
        """The best trial, or, with several objectives, the Pareto front: the trials that no other trial dominates."""
        if not any(trial.state == TrialState.COMPLETE for trial in self.trials):
            return []
        return self._study.best_trials

    def cut_off(self) -> list[FrozenTrial]:
        """Trials that an earlier start asked for and whose end it could not record."""
        return self._study.get_trials(states=(TrialState.RUNNING,))

    def ask(self) -> FrozenTrial:
        """Ask the sampler for a new trial."""
        number = len(self.trials)
        self._study.sampler = build_sampler(self.sampler, number)
        self._study.ask(fixed_distributions=dict(self.space.varied))
        return self.trials[number]

    def note(self, trial: FrozenTrial, **facts: Any) -> None:
        """Store facts with a running trial, such as its folder."""
        for name, value in facts.items():
            self._study._storage.set_trial_user_attr(trial._trial_id, name, value)

    def tell(self, trial: FrozenTrial, values: Sequence[float], protocols: Mapping[str, Protocol]) -> None:
        """Record the values of a trial that was measured.

        Raises:
            UserError: If its protocol differs from that of earlier trials; the trial is recorded as failed then.
        """
        for name, stored in self._study.user_attrs.get("protocols", {}).items():
            try:
                require_same(Protocol.from_dict(stored), protocols[name])
            except UserError as error:
                self.fail(trial, str(error))
                raise UserError(f"{name} of trial {trial.number} and of those before it: {error}") from error
        self._study.set_user_attr("protocols", {name: each.to_dict() for name, each in protocols.items()})
        self._study.tell(trial.number, list(values))

    def prune(self, trial: FrozenTrial) -> None:
        """Record that the pruner ended a trial."""
        self._study.tell(trial.number, state=TrialState.PRUNED)

    def fail(self, trial: FrozenTrial, reason: str) -> None:
        """Record that a trial failed, with the reason."""
        self.note(trial, reason=reason)
        self._study.tell(trial.number, state=TrialState.FAIL)

    def _require_same_search(self) -> None:
        ours = {
            "objective": ", ".join(objective.name for objective in self.objectives),
            **{key: word for key, word in self.space.fixed.items() if key not in WITHOUT_EFFECT},
            **{key: distribution_to_json(each) for key, each in self.space.varied.items()},
        }
        stored = self._study.user_attrs.get("search")
        if stored is None:
            self._study.set_user_attr("search", ours)
            return
        different = sorted(key for key in ours.keys() | stored.keys() if ours.get(key) != stored.get(key))
        if different:
            listing = "; ".join(
                f"{key}: {stored.get(key, 'not set')} there, {ours.get(key, 'not set')} here" for key in different
            )
            raise UserError(
                f"{self.path} is the study of another search, whose numbers can't be compared with this one's "
                f"({listing}). Take another hydra.sweep.dir."
            )
