"""The base of all data: tensors in memory, handed to training as one stream of full batches."""

from __future__ import annotations

from abc import abstractmethod
from math import ceil
from typing import Protocol, cast, runtime_checkable

import torch
from lightning.pytorch import LightningDataModule

from gan_lightning.data.loader import EndlessOrder, Stored, StreamLoader
from gan_lightning.errors import UserError
from gan_lightning.types import Labels


@runtime_checkable
class TrainSet(Protocol):
    """What training draws from."""

    @property
    def images(self) -> Stored:
        """All samples [N C H W], as they cross to the device."""
        ...

    @property
    def labels(self) -> Labels | None:
        """Indices of ``class_names`` [N]; None where there are none."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by label; empty where there are no labels."""
        ...


class StreamDataModule(LightningDataModule):
    """Samples for a GAN, whatever they are. A subclass gives :attr:`train_set`, as floats or with a transfer hook.

    Args:
        batch_size: images of one D update over all processes.
        n_critic: D updates of an iteration; a batch holds images for all of them.
        seed: of the order and the flips.
        flip: mirror images left to right at random.
    """

    def __init__(self, *, batch_size: int, n_critic: int = 1, seed: int = 0, flip: bool = False) -> None:
        super().__init__()
        require_positive("batch_size", batch_size)
        require_positive("n_critic", n_critic)
        if not isinstance(flip, bool):
            raise UserError(f"data.flip must be true or false, not {flip!r}")
        self.batch_size = batch_size
        self.n_critic = n_critic
        self.seed = seed
        self.flip = flip

    @property
    @abstractmethod
    def train_set(self) -> TrainSet:
        """The training samples; made or read once."""

    def setup(self, stage: str | None = None) -> None:
        """Have the training samples ready; a second call does nothing."""
        _ = self.train_set

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return self.train_set.images.shape[1]

    @property
    def resolution(self) -> int:
        """Pixels a side."""
        return self.train_set.images.shape[-1]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by label; empty where the data have no labels."""
        return self.train_set.class_names

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 where the data have no labels."""
        return len(self.class_names)

    @property
    def num_images(self) -> int:
        """Number of training images."""
        return len(self.train_set.images)

    @property
    def largest(self) -> float:
        """The largest absolute value that the networks are given; a subclass with a transfer hook says its own."""
        return float(self.train_set.images.abs().max())

    def description(self) -> str:
        """What there is to train on, in a few words."""
        return f"{self.num_images:,} images {self.channels}x{self.resolution}x{self.resolution}"

    def iterations_per_epoch(self) -> int:
        """Iterations in which every training image has been shown at least once."""
        return ceil(self.num_images / (self.n_critic * self.batch_size))

    def train_dataloader(self) -> StreamLoader:
        """The stream for this process, from the module's current iteration on.

        Raises:
            UserError: if the global batch can't be shared equally.
        """
        trainer = self.trainer
        assert trainer is not None, "Lightning attaches the trainer before it asks for a loader"
        self._require_divisible(trainer.world_size)
        data = self.train_set
        return StreamLoader(
            images=data.images,
            labels=data.labels if data.labels is not None else torch.full((self.num_images,), -1),
            order=EndlessOrder(self.num_images, self.seed),
            batch_size=self.batch_size,
            n_critic=self.n_critic,
            iterations_per_epoch=self.iterations_per_epoch(),
            first_iteration=lambda: cast(int, trainer.lightning_module.iteration),
            seed=self.seed,
            flip=self.flip,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )

    def _require_divisible(self, world_size: int) -> None:
        below = self.batch_size // world_size * world_size
        if below == self.batch_size:
            return
        nearest = " or ".join(str(size) for size in (below, below + world_size) if size)
        raise UserError(
            f"data.batch_size={self.batch_size} counts the images over all processes and can't be shared equally by "
            f"{world_size} of them: take {nearest}"
        )


def require_positive(name: str, value: object) -> None:
    """Refuse what is no whole number of at least 1.

    Raises:
        UserError: names the option ``data.<name>``.
    """
    if type(value) is not int or value < 1:
        raise UserError(f"data.{name} must be a whole number of at least 1, not {value!r}")
