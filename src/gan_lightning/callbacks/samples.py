"""Grids of samples over time, and the real images once: in TensorBoard and as PNG in the run folder."""

from __future__ import annotations

from lightning.pytorch import Trainer

from gan_lightning.callbacks.sheets import Sheets
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.images import grid, to_bytes


class Samples(Sheets):
    """Sheets of what the averaged generator makes of inputs that stay the same for the whole run.

    The game says what is on a sheet (:meth:`gan_lightning.games.base.Game.pictures`). The averaged copy is always in
    evaluation mode and the inputs have a random stream of their own, so looking never changes training. Rank 0 alone
    draws and writes.

    Args:
        folder: The run folder; pictures land in ``samples/``.
        every_kimg: Thousand images between two grids; one is also drawn before training and one at its end.
        count: Images on a sheet; the game fills its rows up to equal length.
    """

    COLUMNS = 8

    def __init__(self, folder: str, every_kimg: float | None = 20.0, count: int = 64) -> None:
        if count < 1:
            raise UserError(f"callbacks.samples.count={count}: at least one image is needed.")
        super().__init__(folder, every_kimg, "callbacks.samples.every_kimg")
        self.count = count

    def setup(self, trainer: Trainer, pl_module: Game, stage: str) -> None:
        """Check that the data are images.

        Raises:
            UserError: If the data are something else.
        """
        if (channels := trainer.datamodule.channels) not in (1, 3):  # type: ignore[attr-defined]
            raise UserError(
                f"callbacks.samples draws images of 1 or 3 channels, and these data have {channels}: "
                "points are drawn by callbacks=toy."
            )

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Draw a sheet of real images, and one of the untrained or resumed generator.

        What an earlier attempt has drawn is not drawn again, because TensorBoard would show it twice.
        """
        self.cadence.start(pl_module.images_seen)
        writes = trainer.is_global_zero and not trainer.fast_dev_run  # type: ignore[attr-defined]
        if writes and not self.run.real_sheet.is_file():
            real = trainer.datamodule.train_set.images[: self.count]  # type: ignore[attr-defined]
            self.show(trainer, "real", grid(real, self.COLUMNS), pl_module.iteration, self.run.real_sheet)
        if pl_module.iteration == 0 or not self.run.sheet(pl_module.iteration).is_file():
            self.draw_once(trainer, pl_module)
        self.drawn_at = pl_module.iteration

    def draw(self, trainer: Trainer, module: Game) -> None:
        """Write one sheet."""
        sheet = module.pictures(trainer.datamodule, self.count)  # type: ignore[attr-defined]
        picture = grid(to_bytes(sheet.images).cpu(), sheet.columns)
        self.show(trainer, "samples", picture, module.iteration, self.run.sheet(module.iteration))
