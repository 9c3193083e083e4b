"""The loop of a search: ask the study for trials, run them as jobs of Hydra's launcher, tell the study the results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from gan_lightning.config.instantiate import build
from gan_lightning.errors import UserError
from gan_lightning.quality import Evaluator
from gan_lightning.runs.folder import RunFolder
from gan_lightning.search.needed_words import with_objectives, with_quality
from gan_lightning.search.objective import objectives, read_values
from gan_lightning.search.options import SearchOptions
from gan_lightning.search.report import TABLE, summary_lines, trial_line, write_table
from gan_lightning.search.space import Space, read_space
from gan_lightning.search.study import Study, build_sampler, only_one
from gan_lightning.search.trial import HandedTrial


class Search:
    """One start of a search, in the folder of its sweep.

    Args:
        options: The options of the search.
        config_loader: Hydra's loader, which shows that a job composes before it is launched.
        config: Hydra's configuration of the sweep.
        launcher: Hydra's launcher, which runs the jobs.
        words: The overrides that were typed.

    Raises:
        UserError: If this can't be searched; nothing has been written then.
        HydraException: If an override does not compose.
    """

    def __init__(
        self,
        options: SearchOptions,
        config_loader: ConfigLoader,
        config: DictConfig,
        launcher: Launcher,
        words: Sequence[str],
    ) -> None:
        self.options = options
        self.config_loader = config_loader
        self.config = config
        self.launcher = launcher
        self.folder = Path(str(config.hydra.sweep.dir)).absolute()
        build_sampler(options.sampler, 0)  # finds mistakes in the sampler's options before anything is written
        if options.pruner is not None and not isinstance(build(options.pruner, "hydra.sweeper.pruner"), BasePruner):
            raise UserError(f"hydra.sweeper.pruner._target_={options.pruner.get('_target_')} is no pruner of Optuna's.")
        self.space = self._measured(
            read_space([*(f"{key}={value}" for key, value in options.params.items()), *words], config_loader)
        )

    def run(self) -> None:
        """Go on with the trials that were cut off, then ask for new ones until there are enough.

        Raises:
            UserError: If the folder holds another study, if another process searches there, or if all trials failed.
        """
        with only_one(self.folder):
            self.study = Study(self.folder, self.objectives, self.space, self.options.sampler)
            self._run_all()
        if all(trial.state == TrialState.FAIL for trial in self.study.trials):
            raise UserError(f"All trials failed; the reasons are in {self.folder / TABLE}.")

    def _run_all(self) -> None:
        _say(f"search:   {self.study.path}, {len(self.study.trials)} of {self.options.n_trials} trials")
        cut_off = self.study.cut_off()
        while not self.study.exhausted and (batch := self._next(cut_off)):
            self._run(batch)
        write_table(self.folder / TABLE, self.study.trials, self.objectives)
        for line in summary_lines(self.study.best, self.study.trials, self.objectives, self.folder / TABLE):
            _say(line)

    def _measured(self, space: Space) -> Space:
        """The space with overrides added that measure the objectives, after every choice in it has been composed."""
        first, *others = space.corners()
        composed = self._compose(space.words(first))
        if (measured := with_quality(space, composed)) != space:
            space, composed = measured, self._compose(measured.words(first))
        for corner in others:
            self._compose(space.words(corner))
        self.composed = {space.choices(corner) for corner in (first, *others)}
        evaluator: Evaluator = build(OmegaConf.to_container(composed.evaluator, resolve=True), "evaluator")
        self.objectives = objectives(self.options.objectives, evaluator)
        return with_objectives(space, composed, self.objectives, evaluator)

    def _next(self, cut_off: list[FrozenTrial]) -> list[FrozenTrial]:
        """The next trials to run at once: first those of ``cut_off``, which are removed from it, then new ones."""
        batch, cut_off[:] = cut_off[: self.options.n_jobs], cut_off[self.options.n_jobs :]
        wanted = min(self.options.n_jobs - len(batch), self.options.n_trials - len(self.study.trials))
        return batch + [self.study.ask() for _ in range(wanted)]

    def _run(self, batch: Sequence[FrozenTrial]) -> None:
        jobs = {trial.number: words for trial in batch if (words := self._words(trial))}
        if jobs:
            handed = [[*words, self.space.unnamed(), *self._handed(number)] for number, words in jobs.items()]
            returns = self.launcher.launch(handed, initial_job_idx=min(jobs))
            told = {trial.number: trial for trial in batch}
            for number, job in zip(jobs, returns, strict=True):
                self._tell(told[number], job)
        trials = self.study.trials
        write_table(self.folder / TABLE, trials, self.objectives)
        for trial in batch:
            _say(trial_line(trials[trial.number], self.objectives))

    def _words(self, trial: FrozenTrial) -> list[str] | None:
        """The overrides of a trial's job, or None if it can't be run, in which case the trial is recorded as failed."""
        if trial.params.keys() != self.space.varied.keys():
            self.study.fail(trial, "cut off while it was asked for")
            return None
        words, choices = self.space.words(trial.params), self.space.choices(trial.params)
        self.study.note(trial, words=words)
        try:
            # Every choice composes alone, but some combinations may not, and such a job would end the launcher.
            if choices not in self.composed:
                self._compose(words)
                self.composed.add(choices)
        except HydraException as error:
            self.study.fail(trial, " ".join(str(error).split()))
            return None
        return words

    def _compose(self, words: Sequence[str]) -> DictConfig:
        return self.config_loader.load_sweep_config(self.config, list(words))

    def _handed(self, number: int) -> list[str]:
        """The override by which a job can ask the pruner about itself.

        There is none without a pruner or with several objectives, for which Optuna has no pruning.
        """
        if self.options.pruner is None or len(self.objectives) > 1:
            return []
        return [HandedTrial(str(self.study.path), number, self.objectives[0].name, self.options.pruner).word()]

    def _tell(self, trial: FrozenTrial, job: JobReturn) -> None:
        assert job.hydra_cfg is not None
        folder = Path(job.hydra_cfg.hydra.runtime.output_dir)
        self.study.note(trial, folder=str(folder))
        try:
            summary = job.return_value
        except Exception as error:  # an error of the launcher, because a job catches and records its own
            self.study.fail(trial, f"{type(error).__name__}: {' '.join(str(error).split())}")
            return
        if summary["status"] == "interrupted":  # the next start of the search goes on with this trial
            sys.exit(128 + summary["signal"])
        # A job of an earlier start is still running, for example on a cluster; a later start will learn its result.
        if summary["status"] == "busy":
            return
        if summary["status"] not in ("done", "pruned"):
            self.study.fail(trial, summary.get("message") or summary["reason"])  # an illness has ended it, if no error
            return
        self.study.note(trial, seconds=summary["seconds"])
        if summary["status"] == "pruned":
            self.study.prune(trial)
            return
        try:
            measured = read_values(self.objectives, summary, RunFolder(folder).numbers())
        except UserError as error:
            self.study.fail(trial, str(error))
            return
        self.study.tell(trial, measured.values, measured.protocols)


def _say(line: str) -> None:
    print(line, flush=True)
