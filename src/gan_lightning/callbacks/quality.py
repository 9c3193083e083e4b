"""Measures the generator's quality during training, and keeps in mind which iteration was the best."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from gan_lightning.callbacks.cadence import Cadence
from gan_lightning.data import ImageDataModule
from gan_lightning.errors import Diverged, UserError
from gan_lightning.games.base import Game
from gan_lightning.metrics import Sample
from gan_lightning.quality import Drawn, Evaluator, Fakes, Number, Subject, real_images
from gan_lightning.quality.subject import fitting_translations, with_suffix, without_suffix
from gan_lightning.quality.translations import translations
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.protocol import Protocol, require_same

WEIGHTS = ("averaged", "raw")


class Quality(Callback):
    """Measures the averaged and the raw generator every so many images, and at the end.

    The numbers are logged to every logger under names such as ``quality/averaged/fid``, and to ``metrics.jsonl``
    together with their protocols. The checkpoint callback keeps the iteration with the best ``monitor`` as
    ``checkpoints/best.ckpt``, and Lightning's own callbacks find the numbers in ``trainer.callback_metrics``. Each
    process generates its share of the images, and rank 0 measures.

    Measuring never changes training: the generators are used in evaluation mode and put back as they were, and latents
    and labels come from a random stream of their own.

    Args:
        folder: The run folder.
        evaluator: The evaluator, which holds the extractor and the metrics.
        every_kimg: Number of thousand images between two measurements; null measures at the end only.
        metrics: Names of those of the evaluator's metrics that are measured during training; null takes all. If none of
            them is a metric of translated images, all of these that the game and the data allow are measured, too.
        monitor: Name of the number by which iterations are compared: averaged/ or raw/ and one of the metrics.
        n_fake: Number of generated images in each measurement; null takes the evaluator's. Another number is another
            protocol.
        raw: Whether the raw generator is measured, too.
        max_share: Largest share of the training time that may go into measuring. A measurement that would exceed it is
            left out, except for the one at the end.
        patience: Number of measurements in a row without a better one after which training stops; null never stops it.
    """

    def __init__(
        self,
        folder: str,
        evaluator: Evaluator,
        every_kimg: float | None = 50.0,
        monitor: str = "averaged/fid",
        metrics: Sequence[str] | None = None,
        n_fake: int | None = None,
        raw: bool = True,
        max_share: float = 0.2,
        patience: int | None = None,
    ) -> None:
        if not 0 < max_share <= 1:
            raise UserError(f"callbacks.quality.max_share={max_share}: give a share of the time, above 0 and up to 1.")
        if patience is not None and patience < 1:
            raise UserError(f"callbacks.quality.patience={patience}: give at least 1, or null for no early end.")
        if n_fake is not None and n_fake < 2:
            raise UserError(f"callbacks.quality.n_fake={n_fake}: give at least 2, or null for evaluator.n_fake.")
        self.folder = Path(folder)
        self.evaluator = evaluator if metrics is None else evaluator.only(metrics)
        self._named = list(self.evaluator.translated) if metrics is not None else []
        if not self._named:
            self.evaluator = self.evaluator.translating(evaluator.translated)
        self.do_without = "evaluator.metrics.{}=null" if metrics is None else "callbacks.quality.metrics= without {}"
        """Words that a user can type to leave a metric out, for a message."""
        self.weights = WEIGHTS if raw else WEIGHTS[:1]
        self.monitor = monitor
        self.n_fake = n_fake or evaluator.n_fake
        self.max_share = max_share
        self.patience = patience
        self.sign = self._sign_of(monitor)
        self.best: float | None = None
        self.best_iteration = -1
        self.best_images = 0
        self.latest: dict[str, float] = {}
        self._protocol: Protocol | None = None
        self._since_best = 0
        self._cadence = Cadence(every_kimg, "callbacks.quality.every_kimg")
        self.measured_at = -1
        """Iteration of the latest measurement."""
        self._cost = 0.0  # seconds of the last measurement
        self._spent = 0.0  # seconds of all measurements in this attempt
        self._started = 0.0

    def setup(self, trainer: Trainer, pl_module: Game, stage: str) -> None:
        """Find the images to measure and the real ones, and check that there are enough of them.

        Raises:
            UserError: If the data are not images, the game makes no images that can be measured, or a metric that was
                asked for needs other or more images or an extractor that classifies.
        """
        self._subjects = self._subjects_of(pl_module, trainer.datamodule)  # type: ignore[attr-defined]
        required = [*self._named, self.evaluator.name_of(without_suffix(self.monitor.partition("/")[2]))]
        self.evaluator, _ = fitting_translations(self.evaluator, self._subjects, required, "callbacks.quality")
        if f"quality/{self.monitor}" not in self.names():
            choices = ", ".join(name.removeprefix("quality/") for name in self.names())
            raise UserError(
                f"callbacks.quality.monitor={self.monitor}: {type(pl_module).__name__} has one direction, choose one "
                f"of {choices}."
            )
        cautions: list[str] = []
        for subject in self._subjects:
            self.evaluator.check(len(subject.real), subject.count, self.do_without)
            cautions += self.evaluator.cautions(len(subject.real), subject.count, side=subject.real.side)
        if trainer.is_global_zero:
            for caution in dict.fromkeys(cautions):
                print(f"warning: {caution}", flush=True)

    def on_fit_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Check that a resumed run is measured as it was before, while nothing of it has changed yet.

        Raises:
            UserError: If the run was measured by another protocol so far, because the best could then not be found.
        """
        self._stay_with_the_protocol()

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Look up or compute the features of the real images now, while no process waits in a collective."""
        self._cadence.start(pl_module.images_seen)
        self.measured_at = pl_module.iteration
        self._real = self._features_of_the_real(trainer, pl_module)
        self._started = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Measure if the next interval of images is full, unless measuring would take too large a share of the time."""
        if self._cadence.due(pl_module.images_seen) and trainer.strategy.broadcast(self._affordable()):
            self.measure(trainer, pl_module)
            if self.patience is not None and self._since_best >= self.patience:
                if trainer.is_global_zero:
                    print(f"\nno better {self.monitor} in {self.patience} measurements: training ends", flush=True)
                trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: Game) -> None:
        """Measure for the last time and print the numbers; a run that a signal stops is not measured, to end soon."""
        if pl_module.iteration != self.measured_at and not _interrupted(trainer):
            self.measure(trainer, pl_module)
        if trainer.is_global_zero and self.best is not None:
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.latest.items())
            print(f"\nquality: {numbers}", flush=True)
            print(f"best {self.monitor}: {self.best:.4g} at iteration {self.best_iteration:,}", flush=True)

    def measure(self, trainer: Trainer, pl_module: Game) -> None:
        """Measure, log and compare with the best; called by all processes.

        Raises:
            Diverged: If a number or a pixel is not finite. The numbers are logged before.
        """
        self.measured_at = pl_module.iteration
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        started = time.monotonic()
        numbers: dict[str, Number] = {}
        for weights, subject in product(self.weights, self._subjects):
            seen = subject.seen(self.evaluator, pl_module.generators(weights), pl_module.device, report=False)
            if self._real:
                of_real = self._real[subject.real.hash]
                found = subject.numbers(self.evaluator, of_real, seen, weights, report=False)
                numbers |= {f"{weights}/{each.name}": each for each in found}
        values: dict[str, float] = trainer.strategy.broadcast({name: each.value for name, each in numbers.items()})
        self._cost = time.monotonic() - started
        self._spent += self._cost
        trainer.callback_metrics.update({f"quality/{name}": torch.tensor(value) for name, value in values.items()})
        logged = {f"quality/{name}": value for name, value in values.items()}
        facts = {f"quality/{name}": self._facts(each) for name, each in numbers.items()}
        for logger in trainer.loggers:
            if isinstance(logger, JsonLines):
                logger.log_measured(logged, facts, pl_module.iteration, pl_module.images_seen)
            else:
                logger.log_metrics(logged, step=pl_module.iteration)
        self._note(pl_module.iteration, pl_module.images_seen, values)

    @property
    def interval(self) -> int:
        """Number of intervals of ``every_kimg`` that are full."""
        return self._cadence.passed

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know: the best so far, its protocol, and the number of measurements since then."""
        protocol = None if self._protocol is None else self._protocol.to_dict()
        return {
            "monitor": self.monitor,
            "best": self.best,
            "best_iteration": self.best_iteration,
            "best_images": self.best_images,
            "since_best": self._since_best,
            "protocol": protocol,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best so far, unless the run monitors another number now: it then starts anew."""
        if state_dict["monitor"] != self.monitor:
            return
        self.best = state_dict["best"]
        self.best_iteration = state_dict["best_iteration"]
        self.best_images = state_dict["best_images"]
        self._since_best = state_dict["since_best"]
        stored = state_dict["protocol"]
        self._protocol = None if stored is None else Protocol.from_dict(stored)

    def names(self) -> list[str]:
        """Names of the curves by which generators are compared, the monitored one first, after :meth:`setup`."""
        names = [
            f"{weights}/{with_suffix(name, subject.suffix)}"
            for weights, subject in product(self.weights, self._subjects)
            for name in self.evaluator.better()
        ]
        return [f"quality/{name}" for name in sorted(names, key=lambda name: name != self.monitor)]

    def summary(self) -> dict[str, Any]:
        """Result of the run for ``summary.json``: the best value of ``monitor``, and the last value of every number."""
        best = {"value": self.best, "iteration": self.best_iteration, "images": self.best_images}
        return {"monitor": self.monitor, "best": best, "final": self.latest}

    def _stay_with_the_protocol(self) -> None:
        weights, _, number = self.monitor.partition("/")
        base = without_suffix(number)
        subject = next(each for each in self._subjects if with_suffix(base, each.suffix) == number)
        name = self.evaluator.name_of(base)
        metric = self.evaluator.metrics[name] if name in self.evaluator.metrics else self.evaluator.translated[name]
        protocol = subject.protocol_of(metric, self.evaluator, weights)
        if self._protocol is not None:
            require_same(self._protocol, protocol)
        self._protocol = protocol

    def _note(self, iteration: int, images: int, values: dict[str, float]) -> None:
        self.latest = values
        if bad := [f"quality/{name} is {value}" for name, value in values.items() if not math.isfinite(value)]:
            raise Diverged(f"{', '.join(bad)} at iteration {iteration:,}: the generator has diverged.", iteration)
        value = values[self.monitor]
        if self.best is None or self.sign * value < self.sign * self.best:
            self.best, self._since_best = value, 0
            self.best_iteration, self.best_images = iteration, images
        else:
            self._since_best += 1

    def _facts(self, number: Number) -> dict[str, Any]:
        """Protocol and direction of improvement, which stand beside a number in ``metrics.jsonl``."""
        better = self.evaluator.better().get(without_suffix(number.name))
        direction = {"better": better} if better else {}
        return {"protocol": number.protocol.to_dict(), **direction}

    def _subjects_of(self, game: Game, data: Any) -> list[Subject]:
        """What is measured of this game: its translations of held-out images if it translates, else its samples."""
        evaluator, name = self.evaluator, type(game).__name__
        if directions := game.directions():
            return [*translations(name, directions, data, evaluator, self.n_fake)]
        if not isinstance(data, ImageDataModule):
            raise UserError("callbacks.quality measures images, and these data are points: take callbacks=toy.")
        sampling = game.sampling()
        if sampling is None:
            raise UserError(f"callbacks.quality measures samples, and {name} makes none of latents.")
        real = real_images(data, evaluator.split)
        labels = real.labels if sampling.num_classes else None
        fakes = Fakes(
            prior=sampling.prior,
            latent_dim=sampling.latent_dim,
            labels=labels,
            count=self.n_fake,
            seed=evaluator.seed,
            batch_size=evaluator.batch_size,
            class_names=data.class_names,
        )
        return [Drawn(name, fakes, real)]

    def _features_of_the_real(self, trainer: Trainer, module: Game) -> dict[str, Sample]:
        """Features of the real images by the images' hash, on rank 0 alone."""
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return {}
        reals = (subject.real for subject in self._subjects)
        return {real.hash: self.evaluator.real(real, module.device) for real in reals}

    def _affordable(self) -> bool:
        elapsed = time.monotonic() - self._started
        return self._spent + self._cost <= self.max_share * (elapsed + self._cost)

    def _sign_of(self, monitor: str) -> float:
        weights, _, number = monitor.partition("/")
        better = self.evaluator.better()
        if weights not in self.weights or (name := without_suffix(number)) not in better:
            choices = ", ".join(f"{weights}/{name}" for weights in self.weights for name in better)
            raise UserError(f"callbacks.quality.monitor={monitor}: choose one of {choices}.")
        return 1.0 if better[name] == "lower" else -1.0


def _interrupted(trainer: Trainer) -> bool:
    """Whether a signal ended training, which the checkpoint callback of the same run has noted."""
    return any(getattr(callback, "signal", None) for callback in trainer.callbacks)  # type: ignore[attr-defined]
