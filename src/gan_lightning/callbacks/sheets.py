"""The common base of callbacks that draw pictures during training."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from gan_lightning.callbacks.cadence import Cadence
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.images import save_png
from gan_lightning.runs.folder import RunFolder


class Sheets(Callback):
    """Draws a picture whenever an interval of images is full and at the end of training, on rank 0 alone.

    Args:
        folder: The run folder; pictures land in ``samples/``.
        every_kimg: Number of thousand images between two pictures, or None for the one at the end alone.
        option: Name of the option that sets this number, for the message.
    """

    def __init__(self, folder: str, every_kimg: float | None, option: str) -> None:
        self.run = RunFolder(Path(folder))
        self.drawn_at = -1
        """Iteration of the latest picture."""
        self.cadence = Cadence(every_kimg, option)

    @abstractmethod
    def draw(self, trainer: Trainer, module: Game) -> None:
        """Draw the picture of this iteration; only rank 0 calls this, and only if the run writes files."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Game, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Draw a picture if the next interval of images is full."""
        if self.cadence.due(pl_module.images_seen):
            self.draw_once(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Game) -> None:
        """Draw the last picture, unless it was drawn at this very iteration."""
        if pl_module.iteration != self.drawn_at:
            self.draw_once(trainer, pl_module)

    def draw_once(self, trainer: Trainer, module: Game) -> None:
        """Draw the picture of this iteration on rank 0, unless the run writes no files."""
        self.drawn_at = module.iteration
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self.draw(trainer, module)

    def show(self, trainer: Trainer, tag: str, picture: UInt8[Tensor, "C H W"], step: int, path: Path) -> None:
        """Write a picture as PNG and to TensorBoard.

        Raises:
            UserError: If the file can't be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_png(picture, path)
        except OSError as error:
            raise UserError(f"Can't write {path}: {error.strerror}.") from error
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(tag, picture, step)
