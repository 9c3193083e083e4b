"""Watches a run for the illnesses of GANs, says which it finds and, if asked to, stops the run or takes it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan_lightning.callbacks.cadence import Cadence
from gan_lightning.errors import Diverged, Ill, UserError
from gan_lightning.games.base import Game
from gan_lightning.health import ILLNESSES, Diagnosis, Doctor, Interval
from gan_lightning.health.looking import Looking
from gan_lightning.health.norms import Scale
from gan_lightning.health.not_finite import diverged
from gan_lightning.parallel.devices import external_environment
from gan_lightning.runs.folder import SCHEMA_VERSION, RunFolder
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.records import append_lines
from gan_lightning.runs.whole_files import write_whole

FOUND, OVER = 1.0, 0.0
"""Values of the records of an illness that begins and of one that is over."""


@dataclass(frozen=True)
class RollBack:
    """A way back from an illness: the checkpoint to go on from, and the factor of the learning rates.

    Args:
        illness: Name of the illness.
        at: The iteration at which it was found.
        checkpoint: The checkpoint from before it.
        factor: Number by which the learning rates of both players are multiplied.
    """

    illness: str
    at: int
    checkpoint: Path
    factor: float


class Health(Callback):
    """The doctor of a run (:mod:`gan_lightning.health`).

    It reads the scalars that are logged anyway, once in each logging interval, and looks at a few samples every so many
    thousand images. What it finds is printed once, written to ``health.jsonl`` and to TensorBoard's texts, and stands
    in ``summary.json``. Rank 0 alone looks; if the run is to end, all processes end after the same iteration.

    Args:
        folder: The run folder.
        action: What to do about an illness: warn; stop, after which the run ends in order; or roll_back, which goes on
            from ``checkpoints/healthy.ckpt`` with smaller learning rates.
        every_kimg: Number of thousand images between two looks at samples; null looks at none.
        count: Number of samples in a look, and of real images beside them.
        classifier: Name of the classifier that comes with the package and by whose features samples are compared; with
            null, and with any other text, pixels are compared.
        memorisation: Whether copies of training images are looked for too; each look then compares its samples with
            all training images.
        ignore: Names of illnesses that are not looked for.
        lr_factor: Number by which a roll-back multiplies both learning rates.
        most_roll_backs: Number of roll-backs after which an illness ends the run.
        rolled_back: The roll-backs so far; filled in.

    Raises:
        UserError: If an option has a value that is not possible.
    """

    ACTIONS: ClassVar[tuple[str, ...]] = ("warn", "stop", "roll_back")

    def __init__(
        self,
        folder: str,
        action: str = "warn",
        every_kimg: float | None = 10.0,
        count: int = 128,
        classifier: str | None = None,
        memorisation: bool = False,
        ignore: Sequence[str] = (),
        lr_factor: float = 0.5,
        most_roll_backs: int = 3,
        rolled_back: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        if action not in self.ACTIONS:
            raise UserError(f"callbacks.health.action={action}: choose one of {', '.join(self.ACTIONS)}.")
        if count < 16:
            raise UserError(f"callbacks.health.count={count}: give at least 16.")
        if not 0 < lr_factor < 1:
            raise UserError(f"callbacks.health.lr_factor={lr_factor}: give a number between 0 and 1.")
        known = [illness.name for illness in ILLNESSES]
        if strange := [name for name in ignore if name not in known]:
            raise UserError(f"callbacks.health.ignore: there is no {strange[0]}; there are {', '.join(known)}.")
        self.run = RunFolder(Path(folder))
        self.action = action
        self.cadence = Cadence(every_kimg, "callbacks.health.every_kimg")
        self.looking = Looking(count, classifier, memorisation)
        self.lr_factor = lr_factor
        self.most_roll_backs = most_roll_backs
        self.rolled_back = list(rolled_back)
        self.doctor = Doctor([illness for illness in ILLNESSES if illness.name not in ignore])
        self.stopped_by = ""
        """The diagnosis that has ended the run, in words; empty if none has."""
        self._curable = {illness.name for illness in ILLNESSES if illness.curable}
        self._stored: Mapping[str, Any] | None = None
        self._scale: Scale | None = None
        self._way_back: RollBack | None = None

    @property
    def keeps_healthy(self) -> bool:
        """Whether a checkpoint that is saved now is to be kept as one from before any illness."""
        return self.action == "roll_back" and self._scale is not None and self.doctor.healthy

    def setup(self, trainer: Trainer, pl_module: Game, stage: str) -> None:
        """Find out whether samples can be looked at, and whether training can be rolled back.

        Raises:
            UserError: If something was asked for that this run can't do.
        """
        self.run = RunFolder(Path(trainer.strategy.broadcast(str(self.run.path))))
        if self.action == "roll_back" and trainer.world_size > 1 and external_environment() is not None:
            raise UserError(
                "callbacks.health.action=roll_back starts the processes of a run again, and these were started by "
                "torchrun or SLURM: take callbacks.health.action=stop, and resume= with a lower optimizer.lr."
            )
        if trainer.is_global_zero:
            self.looking.prepare(pl_module, trainer.datamodule)  # type: ignore[attr-defined]

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Weigh the players for the first time, and drop what an earlier attempt found after the checkpoint."""
        self.cadence.start(pl_module.images_seen)
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._scale = Scale(pl_module)
        if self._stored is None:
            self._scale.begin()
        else:
            self._scale.load_state_dict(self._stored["scale"])
            self.cadence.passed = self._stored["looks"]
        self._drop_what_came_after(pl_module.iteration)
        if self.rolled_back and self.rolled_back[-1]["to"] == pl_module.iteration:
            self._say_where_it_went_back(trainer, pl_module)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Examine the run when its scalars were logged."""
        if pl_module.iteration % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            found = self.examine(trainer, pl_module) if self._scale is not None else []
            self._act(trainer, pl_module, found)

    def examine(self, trainer: Trainer, game: Game) -> list[Diagnosis]:
        """Examine the run, tell what is new, and return the illnesses that were found now."""
        assert self._scale is not None
        iteration, images = game.iteration, game.images_seen
        weighed = self._scale.weigh()
        interval = Interval(
            iteration,
            images,
            {name: float(value) for name, value in game.logged.items()},
            growth={player: each.growth for player, each in weighed.items()},
            standing={player: each.standing for player, each in weighed.items()},
            broken={player: each.broken for player, each in weighed.items()},
            distinct=self.looking.distinct,
            seen=self.looking.seen,
            taught_by_d=not game.directions() and not getattr(game, "generator_terms", None),
        )
        found, over = self.doctor.examine(interval)
        if self.cadence.due(images) and self.looking.possible:
            look = self.looking.look(game, trainer.datamodule, self._scale)  # type: ignore[attr-defined]
            for logger in trainer.loggers:
                if isinstance(logger, JsonLines):
                    logger.log_measured(look.curves(), {}, iteration, images)
                else:
                    logger.log_metrics(look.curves(), step=iteration)
            more, also_over = self.doctor.look(look)
            found, over = [*found, *more], [*over, *also_over]
        for each in found:
            self._tell(trainer, each)
        for name in over:
            self._tell_over(trainer, name, iteration, images)
        return found

    def on_exception(self, trainer: Trainer, pl_module: Game, exception: BaseException) -> None:
        """Name the illness if training ends because something is not finite."""
        if not isinstance(exception, Diverged) or isinstance(exception, Ill):
            return
        diagnosis = diverged(exception, pl_module.iteration, pl_module.images_seen)
        if self._scale is not None:
            self.doctor.note(diagnosis)
            self._tell(trainer, diagnosis)
        if self.action == "roll_back":
            self._way_back = self._way_from(diagnosis)

    def way_back(self) -> RollBack | None:
        """Where to go on if an illness has ended training, or None if the run is over."""
        return self._way_back

    def summary(self) -> dict[str, Any]:
        """What was found, for ``summary.json``: the illnesses that the run has at its end, and all that it had."""
        ill = [name for name, count in self.doctor.counts.items() if count.found]
        return {"ill": ill, "found": self.doctor.history, "rolled_back": [dict(each) for each in self.rolled_back]}

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know to find the same illnesses at the same iterations."""
        if self._scale is None:
            return {}
        return {"doctor": self.doctor.state_dict(), "scale": self._scale.state_dict(), "looks": self.cadence.passed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up :meth:`state_dict` again."""
        if state_dict:
            self._stored = state_dict
            self.doctor.load_state_dict(state_dict["doctor"])

    # ------------------------------------------------------------------------ acting

    def _act(self, trainer: Trainer, game: Game, found: Sequence[Diagnosis]) -> None:
        """Do what was asked for about an illness, on all processes after the same iteration.

        Raises:
            Ill: If training is rolled back.
        """
        if self.action == "warn":
            return
        actions: Mapping[str, Callable[[Trainer, Diagnosis], None]] = {"stop": self._stop, "roll_back": self._go_back}
        ill = next((each for each in found if self.action == "stop" or each.name in self._curable), None)
        if trainer.world_size > 1:
            plain = trainer.strategy.broadcast(None if ill is None else ill.to_dict())
            ill = None if plain is None else Diagnosis(**plain)
        if ill is not None:
            actions[self.action](trainer, ill)

    def _stop(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        self.stopped_by = f"{diagnosis.name}: {diagnosis.sentence}"
        trainer.should_stop = True

    def _go_back(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        way = trainer.strategy.broadcast(self._way_from(diagnosis))
        if way is None:
            self._stop(trainer, diagnosis)
            return
        self._way_back = way
        raise Ill(f"{diagnosis.name} at iteration {diagnosis.iteration:,}: training is rolled back.")

    def _way_from(self, diagnosis: Diagnosis) -> RollBack | None:
        """The way back, or None if there is none; rank 0 says why."""
        reason = ""
        if len(self.rolled_back) >= self.most_roll_backs:
            reason = f"it was rolled back {len(self.rolled_back)} times (callbacks.health.most_roll_backs)"
        elif not self.run.healthy.is_file():
            reason = "no checkpoint was saved while it was healthy (callbacks.checkpoint.every_iterations)"
        if not reason:
            return RollBack(diagnosis.name, diagnosis.iteration, self.run.healthy, self.lr_factor)
        if self._scale is not None:
            print(f"health: the run is not rolled back, because {reason}", flush=True)
        return None

    # ----------------------------------------------------------------------- telling

    def _tell(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        print(f"\nhealth: {diagnosis.line()}", flush=True)
        facts = diagnosis.to_dict()
        self._record(facts.pop("iteration"), facts.pop("images"), facts.pop("name"), FOUND, facts)
        text = f"**{diagnosis.name}**: {diagnosis.sentence} {diagnosis.advice}\n\n{diagnosis.numbers()}"
        self._write_text(trainer, text, diagnosis.iteration)

    def _tell_over(self, trainer: Trainer, name: str, iteration: int, images: int) -> None:
        print(f"\nhealth: {name} is over at iteration {iteration:,}", flush=True)
        self._record(iteration, images, name, OVER, {})
        self._write_text(trainer, f"{name} is over", iteration)

    def _say_where_it_went_back(self, trainer: Trainer, game: Game) -> None:
        last = self.rolled_back[-1]
        sentence = (
            f"Rolled back from iteration {last['at']:,} because of {last['illness']}; both learning rates are "
            f"multiplied by {last['factor']:g}."
        )
        print(f"health: {sentence}", flush=True)
        self._record(
            game.iteration, game.images_seen, "roll_back", FOUND, {"sentence": sentence, "evidence": dict(last)}
        )
        self._write_text(trainer, sentence, game.iteration)

    def _record(self, iteration: int, images: int, name: str, value: float, facts: Mapping[str, Any]) -> None:
        common = {"v": SCHEMA_VERSION, "iteration": iteration, "images": images, "name": name, "value": value}
        append_lines(self.run.health, [{**common, **facts}])

    def _write_text(self, trainer: Trainer, text: str, iteration: int) -> None:
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_text("health", text, iteration)

    def _drop_what_came_after(self, iteration: int) -> None:
        if not self.run.health.is_file():
            return
        kept = [each for each in self.run.diagnoses() if each["iteration"] <= iteration]
        try:
            write_whole(self.run.health, "".join(f"{json.dumps(each)}\n" for each in kept))
        except OSError as error:
            raise UserError(f"Can't write {self.run.health}: {error.strerror}.") from error
