"""The base of all data: samples held in memory, which training reads as one endless stream of full batches."""

from __future__ import annotations

from abc import abstractmethod
from math import ceil
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import torch
from lightning.pytorch import LightningDataModule

from gan_lightning.data.fingerprint import of_samples
from gan_lightning.data.loader import EndlessLoader, EndlessOrder, Stored, StreamLoader
from gan_lightning.errors import UserError
from gan_lightning.images import height_and_width
from gan_lightning.types import Labels


@runtime_checkable
class TrainSet(Protocol):
    """The samples that training draws from."""

    @property
    def images(self) -> Stored:
        """All samples [N C H W] in the form in which they are transferred to the device."""
        ...

    @property
    def labels(self) -> Labels | None:
        """The label of each sample as an index of ``class_names`` [N], or None if there are no labels."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class; empty if there are no labels."""
        ...


class StreamDataModule(LightningDataModule):
    """Samples of any kind for training a GAN.

    A subclass gives :attr:`train_set`. If its samples are not floats, it also implements
    ``on_after_batch_transfer``, which turns a batch into floats on the device.

    Args:
        batch_size: Number of images in one D update, over all processes.
        n_critic: Number of D updates in an iteration; a batch holds the images of all of them.
        seed: Seed of the order and of the flips.
        flip: Whether images are mirrored left to right at random.
        micro_batch: Number of images that a process shows to the networks at once; gradients are summed over the parts
            of a batch (gradient accumulation). None: the whole batch.

    Raises:
        UserError: If an argument has a value that is not possible.
    """

    FACTS: ClassVar[tuple[str, ...]] = ("channels", "resolution", "num_classes")
    """Names of the options that the data know themselves; each is an attribute too."""

    def __init__(
        self, *, batch_size: int, n_critic: int = 1, seed: int = 0, flip: bool = False, micro_batch: int | None = None
    ) -> None:
        super().__init__()
        require_positive("batch_size", batch_size)
        require_positive("n_critic", n_critic)
        if micro_batch is not None:
            require_positive("micro_batch", micro_batch)
        if not isinstance(flip, bool):
            raise UserError(f"data.flip must be true or false, not {flip!r}")
        self.batch_size = batch_size
        self.n_critic = n_critic
        self.seed = seed
        self.flip = flip
        self.micro_batch = micro_batch

    @property
    @abstractmethod
    def train_set(self) -> TrainSet:
        """The training samples, which are made or read once."""

    def setup(self, stage: str | None = None) -> None:
        """Make or read the training samples; a second call does nothing."""
        _ = self.train_set

    @property
    def channels(self) -> int:
        """Number of channels of an image."""
        return self.train_set.images.shape[1]

    @property
    def resolution(self) -> int | tuple[int, int]:
        """Side of an image in pixels, or its height and width where it may be a rectangle."""
        return self.train_set.images.shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the networks see it."""
        return (self.channels, *height_and_width(self.resolution))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class; empty if the data have no labels."""
        return self.train_set.class_names

    def fingerprint(self) -> str:
        """Short text that is the same for the same training data, wherever they lie, and another for others."""
        return of_samples(self.train_set.images, self.train_set.labels)

    @property
    def num_classes(self) -> int:
        """Number of classes, or 0 if the data have no labels."""
        return len(self.class_names)

    @property
    def num_images(self) -> int:
        """Number of training images."""
        return len(self.train_set.images)

    @property
    def largest(self) -> float:
        """The largest absolute value that the networks are given.

        A subclass that converts its batches on the device overrides it.
        """
        return float(self.train_set.images.abs().max())

    def description(self) -> str:
        """A few words on the data, for the line that a run prints at its start."""
        return f"{self.num_images:,} images {'x'.join(map(str, self.image_shape))}"

    def iterations_per_epoch(self) -> int:
        """Number of iterations after which every training image has been shown at least once."""
        return ceil(self.num_images / (self.n_critic * self.batch_size))

    def train_dataloader(self) -> EndlessLoader[Any]:
        """The stream of batches for this process, from the module's current iteration on.

        Raises:
            UserError: If the global batch cannot be shared equally by the processes.
        """
        data = self.train_set
        return StreamLoader(
            images=data.images,
            labels=labels_or_minus_one(data.labels, self.num_images),
            order=EndlessOrder(self.num_images, self.seed),
            **self.loader_options(),
        )

    def loader_options(self) -> dict[str, Any]:
        """The arguments that every loader of this process is given; see :class:`EndlessLoader`.

        Raises:
            UserError: If the global batch cannot be shared equally by the processes.
        """
        trainer = self.trainer
        assert trainer is not None, "Lightning attaches the trainer before it asks for a loader"
        self._require_divisible(trainer.world_size)
        return {
            "batch_size": self.batch_size,
            "n_critic": self.n_critic,
            "iterations_per_epoch": self.iterations_per_epoch(),
            "first_iteration": lambda: cast(int, trainer.lightning_module.iteration),
            "seed": self.seed,
            "flip": self.flip,
            "rank": trainer.global_rank,
            "world_size": trainer.world_size,
            "pin_memory": trainer.strategy.root_device.type == "cuda",
        }

    def _require_divisible(self, world_size: int) -> None:
        below = self.batch_size // world_size * world_size
        if below == self.batch_size:
            return
        nearest = " or ".join(str(size) for size in (below, below + world_size) if size)
        raise UserError(
            f"data.batch_size={self.batch_size} counts the images over all processes and can't be shared equally by "
            f"{world_size} of them: take {nearest}"
        )


def labels_or_minus_one(labels: Labels | None, count: int) -> Labels:
    """The labels [N] as they cross to the device, where -1 stands for none."""
    return torch.full((count,), -1) if labels is None else labels


def require_positive(name: str, value: object) -> None:
    """Check that the option ``data.<name>`` is a whole number of at least 1.

    Raises:
        UserError: If it is not.
    """
    if type(value) is not int or value < 1:
        raise UserError(f"data.{name} must be a whole number of at least 1, not {value!r}")
