"""Pictures of real and generated points of the plane over time, in TensorBoard and as PNG, and two numbers on them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch import Trainer
from PIL import Image, ImageDraw
from torch import Tensor

from gan_lightning.callbacks.sheets import Sheets
from gan_lightning.data.sets.toy import Mixture
from gan_lightning.errors import UserError
from gan_lightning.games.base import Game
from gan_lightning.metrics import mode_coverage

WHITE, GREY, BLUE, BLACK = (255, 255, 255), (190, 190, 190), (20, 90, 200), (0, 0, 0)
RADIUS = 3.0
"""Distance to a mode, in standard deviations, up to which a sample is of high quality."""


class Scatter(Sheets):
    """Draws and measures points that the averaged generator makes of latents that stay the same for the whole run.

    Drawing never changes training, because the averaged copy is always in evaluation mode and the latents have a random
    stream of their own. Rank 0 alone samples and writes. Every logger gets ``quality/modes`` and
    ``quality/high_quality_share`` (:func:`gan_lightning.metrics.mode_coverage`), beside ``images``.

    Args:
        folder: The run folder; pictures land in ``samples/``.
        every_kimg: Number of thousand real points between two pictures; another picture is drawn before training and
            one at its end.
        count: Number of points that are drawn and measured; Lin et al. 2018 (PacGAN) take 2500.
    """

    def __init__(self, folder: str, every_kimg: float | None = 50.0, count: int = 2500) -> None:
        if count < 1:
            raise UserError(f"callbacks.scatter.count={count}: at least one point is needed.")
        super().__init__(folder, every_kimg, "callbacks.scatter.every_kimg")
        self.count = count
        self._result = ""

    def setup(self, trainer: Trainer, pl_module: Game, stage: str) -> None:
        """Check that the data are points.

        Raises:
            UserError: If the data are images.
        """
        if not isinstance(trainer.datamodule, Mixture):  # type: ignore[attr-defined]
            raise UserError("callbacks.scatter draws points, and these data are images: take callbacks=default.")

    def on_train_start(self, trainer: Trainer, pl_module: Game) -> None:
        """Draw the points of the untrained generator, but none in a resumed run, which has drawn this iteration."""
        self.cadence.start(pl_module.images_seen)
        if pl_module.iteration == 0:
            self.draw_once(trainer, pl_module)
        self.drawn_at = pl_module.iteration

    def on_train_end(self, trainer: Trainer, pl_module: Game) -> None:
        """Draw the last picture and print its numbers."""
        super().on_train_end(trainer, pl_module)
        if self._result:
            print(f"\n{self._result}", flush=True)

    def draw(self, trainer: Trainer, module: Game) -> None:
        """Measure the points of this iteration, log the numbers and draw the picture."""
        iteration = module.iteration
        data: Mixture = trainer.datamodule  # type: ignore[attr-defined]
        fake = module.samples(self.count).flatten(1).float().cpu()
        coverage = mode_coverage(fake, data.centers, data.std, RADIUS)
        modes, share = int(coverage.covered), float(coverage.high_quality_share)
        self._result = f"iteration {iteration:,}: {modes} of {len(data.centers)} modes, {share:.1%} of high quality"
        real = data.train_set.images[: self.count].flatten(1)
        picture = scatter(real, fake, data.centers, RADIUS * data.std, title=self._result)
        values = {"quality/modes": modes, "quality/high_quality_share": share, "images": module.images_seen}
        for logger in trainer.loggers:
            logger.log_metrics(values, step=iteration)
        self.show(trainer, "scatter", picture, iteration, self.run.sheet(iteration))


def scatter(
    real: Float[Tensor, "R 2"],
    fake: Float[Tensor, "F 2"],
    centers: Float[Tensor, "M 2"],
    radius: float,
    title: str,
    side: int = 512,
) -> UInt8[Tensor, "3 {side} {side}"]:
    """Picture with real points in grey, generated ones in blue, and a circle of ``radius`` around each center.

    The picture reaches to 1.25 times the largest coordinate of a center and ``radius`` more on every side. Points
    beyond are not drawn.
    """
    scale = 2  # drawn twice as large and averaged, because Pillow's circles have hard edges
    reach = 1.25 * float(centers.abs().max()) + radius
    canvas = Image.new("RGB", (scale * side, scale * side), WHITE)
    pen = ImageDraw.Draw(canvas)

    def pixels(points: Float[Tensor, "N 2"]) -> list[list[float]]:
        inside = points[(points.abs() < reach).all(dim=1)]  # leaves out points that are not finite, too
        in_units = torch.stack([reach + inside[:, 0], reach - inside[:, 1]], dim=1) / (2 * reach)
        return (in_units * scale * side).tolist()

    for points, colour in ((real, GREY), (fake, BLUE)):
        for x, y in pixels(points):
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    around = radius / (2 * reach) * scale * side
    for x, y in pixels(centers):
        pen.ellipse((x - around, y - around, x + around, y + around), outline=BLACK, width=scale)
    picture = canvas.reduce(scale)
    ImageDraw.Draw(picture).text((8, 6), title, fill=BLACK)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)
