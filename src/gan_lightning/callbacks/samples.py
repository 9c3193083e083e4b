"""Grids of samples over time, and the real images once: in TensorBoard and as PNG in the run folder."""

from __future__ import annotations

import torch
from lightning.pytorch import Trainer

from gan_lightning.callbacks.pictures import Pictures
from gan_lightning.errors import UserError
from gan_lightning.games.gan import LitGAN
from gan_lightning.images import grid, to_bytes
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import Labels, Latents


class Samples(Pictures):
    """Samples of the averaged generator on latents that stay the same for the whole run.

    The averaged copy is always in eval mode and the latents have a generator of their own, so looking never changes
    training. Rank 0 alone samples and writes. Where the generator takes labels, a row is a class and a column one
    latent; of more than ten classes, ten from the first to the last are shown.

    Args:
        folder: The run folder; pictures land in ``samples/``.
        every_kimg: Thousand images between two grids; one is also drawn before training and one at its end.
        count: Images in a grid, 8 a row; with classes, the rows are filled up to equal length.
    """

    COLUMNS = 8
    CLASSES = 10

    def __init__(self, folder: str, every_kimg: float | None = 20.0, count: int = 64) -> None:
        if count < 1:
            raise UserError(f"callbacks.samples.count={count}: at least one image is needed.")
        super().__init__(folder, every_kimg, "callbacks.samples.every_kimg")
        self.count = count

    def setup(self, trainer: Trainer, pl_module: LitGAN, stage: str) -> None:
        """Only images can be drawn here.

        Raises:
            UserError: The data are something else.
        """
        if (channels := trainer.datamodule.channels) not in (1, 3):  # type: ignore[attr-defined]
            raise UserError(
                f"callbacks.samples draws images of 1 or 3 channels, and these data have {channels}: "
                "points are drawn by callbacks=toy."
            )

    def on_train_start(self, trainer: Trainer, pl_module: LitGAN) -> None:
        """The real images, and what the untrained (or resumed) generator gives."""
        self.cadence.start(pl_module.images_seen)
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            real = trainer.datamodule.train_set.images[: self.count]  # type: ignore[attr-defined]
            self.show(trainer, "real", grid(real, self.COLUMNS), pl_module.iteration, "real.png")
        self.draw_once(trainer, pl_module)

    def draw(self, trainer: Trainer, module: LitGAN) -> None:
        """Write one grid."""
        z, y, columns = self.sheet(module)
        picture = grid(to_bytes(module.sample(z, y)).cpu(), columns)
        self.show(trainer, "samples", picture, module.iteration, f"iteration-{module.iteration:07d}.png")

    def sheet(self, module: LitGAN) -> tuple[Latents, Labels | None, int]:
        """Latents and labels of a grid, and its columns."""
        num_classes = getattr(module.generator, "num_classes", 0)
        if not num_classes:
            return *fixed_latents(module, self.count), self.COLUMNS
        classes = spread(num_classes, self.CLASSES)
        columns = -(-self.count // len(classes))
        z, _ = fixed_latents(module, columns)
        return z.repeat(len(classes), 1), classes.repeat_interleave(columns), columns


def spread(num_classes: int, most: int) -> Labels:
    """All classes, or ``most`` of them in equal steps from the first to the last."""
    rows = min(num_classes, most)
    return torch.linspace(0, num_classes - 1, rows).round().long()


def fixed_latents(module: LitGAN, count: int) -> tuple[Latents, Labels | None]:
    """Latents [count Z] of the run's prior that depend on its seed alone, and labels in turn where G takes labels."""
    draw = UpdateDraw((module.seed, "samples"), rank=0, world_size=1, device=torch.device("cpu"))
    z = module.prior(draw, count, module.latent_dim)
    classes = getattr(module.generator, "num_classes", 0)
    return z, torch.arange(count) % classes if classes else None
