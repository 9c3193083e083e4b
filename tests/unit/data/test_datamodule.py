"""The base of every image data set, with and without a trainer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from gan_lightning.data import ImageDataModule, ImageSet
from gan_lightning.data.loader import StreamLoader
from gan_lightning.data.stream import require_positive
from gan_lightning.errors import UserError


class Numbered(ImageDataModule):
    """22 colour images (10 to test) of 4 x 4 pixels whose value is their index, in two classes."""

    loads = 0

    def load(self, split: str) -> ImageSet:
        self.loads += 1
        count = 22 if split == "train" else 10
        values = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 3, 4, 4)
        return ImageSet(values, torch.arange(count) % 2, ("even", "odd"))


class Unlabelled(ImageDataModule):
    """Five grey images without labels."""

    def load(self, split: str) -> ImageSet:
        return ImageSet(torch.zeros(5, 1, 4, 4, dtype=torch.uint8), None, ())


def loader_of(data: ImageDataModule, rank: int = 0, world_size: int = 1, iteration: int = 0) -> StreamLoader:
    """The loader that a trainer with this rank and world size gets at this iteration."""
    trainer: Any = SimpleNamespace(
        lightning_module=SimpleNamespace(iteration=iteration),
        global_rank=rank,
        world_size=world_size,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    data.trainer = trainer
    return data.train_dataloader()


def test_it_tells_what_the_networks_need_to_know() -> None:
    data = Numbered(batch_size=4)
    data.setup("fit")
    assert (data.channels, data.resolution, data.num_classes, data.num_images) == (3, 4, 2, 22)
    assert data.class_names == ("even", "odd")


def test_options_are_applied_in_setup() -> None:
    data = Numbered(batch_size=4, classes=["odd"], channels=1, resolution=8, num_classes=1)
    data.setup("fit")
    assert data.train_set.images.shape == (11, 1, 8, 8)
    assert data.train_set.images[:, 0, 0, 0].tolist() == list(range(1, 22, 2))
    assert data.class_names == ("odd",)
    assert data.split("test").images.shape == (5, 1, 8, 8)


def test_setup_loads_once() -> None:
    data = Numbered(batch_size=4)
    for _ in range(2):
        data.setup("fit")
        data.split("test")
    assert data.loads == 2


@pytest.mark.parametrize(
    ("batch_size", "n_critic", "iterations"), [(22, 1, 1), (4, 1, 6), (11, 1, 2), (4, 5, 2), (64, 5, 1)]
)
def test_an_epoch_shows_every_image_at_least_once(batch_size: int, n_critic: int, iterations: int) -> None:
    data = Numbered(batch_size=batch_size, n_critic=n_critic)
    assert data.iterations_per_epoch() == len(loader_of(data)) == iterations


def test_batches_become_floats_in_minus_one_to_one() -> None:
    data = Numbered(batch_size=4)
    images, labels = data.on_after_batch_transfer(loader_of(data).batch(0), 0)
    assert images.dtype == torch.float32
    values = (images[:, 0, 0, 0] + 1) * 127.5
    assert (values.round() % 2).tolist() == labels.tolist()
    torch.testing.assert_close(values, values.round(), atol=1e-4, rtol=0)


def test_without_labels_they_are_all_minus_one() -> None:
    data = Unlabelled(batch_size=2)
    assert loader_of(data).batch(0)[1].tolist() == [-1, -1]
    assert data.num_classes == 0


def test_each_rank_gets_its_share_of_the_global_batch() -> None:
    data = Numbered(batch_size=4, n_critic=3)
    whole, mine = loader_of(data).batch(5)[0], loader_of(data, rank=1, world_size=2).batch(5)[0]
    assert torch.equal(mine, whole.view(3, 2, 2, 3, 4, 4)[:, 1].flatten(0, 1))


@pytest.mark.parametrize(
    ("batch_size", "world_size", "advice"), [(64, 3, "take 63 or 66$"), (2, 4, "take 4$"), (10, 4, "take 8 or 12$")]
)
def test_a_batch_that_cannot_be_shared_equally_is_refused(batch_size: int, world_size: int, advice: str) -> None:
    with pytest.raises(UserError, match=f"batch_size={batch_size} .*{world_size} of them: {advice}"):
        loader_of(Numbered(batch_size=batch_size), world_size=world_size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "data.batch_size must be .* not 0"),
        ({"batch_size": 4, "n_critic": -1}, "data.n_critic must be"),
        ({"batch_size": 4, "resolution": 0}, "data.resolution must be"),
        ({"batch_size": 4, "channels": 2}, "null, 1 or 3, not 2"),
        ({"batch_size": 4, "classes": []}, "a list such as"),
        ({"batch_size": 4, "classes": "odd"}, "a list such as .* not 'odd'"),
    ],
)
def test_wrong_options_are_refused_at_the_door(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Numbered(**options)


@pytest.mark.parametrize("value", ["abc", 1.5, True, None])
def test_a_number_must_be_a_number(value: object) -> None:
    with pytest.raises(UserError, match=r"data\.batch_size must be a whole number of at least 1, not"):
        require_positive("batch_size", value)


@pytest.mark.parametrize("claim", [0, 10])
def test_a_wrong_claim_about_the_classes_is_refused(claim: int) -> None:
    with pytest.raises(UserError, match=f"num_classes={claim}, but the data have 2 classes"):
        Numbered(batch_size=4, num_classes=claim).setup("fit")


class Recorder(LightningModule):
    """A module that counts iterations as a GAN does and keeps the images that it was shown."""

    def __init__(self, iteration: int = 0) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.iteration = iteration
        self.shown: list[int] = []

    def training_step(self, batch: tuple[Tensor, Tensor]) -> None:
        self.shown += ((batch[0][:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
        self.iteration += 1

    def configure_optimizers(self) -> None:
        return None


def shown_in_fit(epochs: int, iteration: int = 0) -> list[int]:
    """The images that are shown in a fit of ``epochs`` epochs which starts from ``iteration``."""
    module = Recorder(iteration)
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=Numbered(batch_size=4))
    return module.shown


@pytest.mark.filterwarnings("ignore:.*configure_optimizers.*:UserWarning")
def test_a_fit_runs_through_the_stream_without_a_gap_and_can_go_on_anywhere() -> None:
    """An epoch of 22 images in batches of 4 has 6 iterations, the last of which shows 2 images of the next epoch."""
    shown = shown_in_fit(epochs=11)
    assert len(shown) == 11 * 6 * 4
    for epoch in range(12):
        assert sorted(shown[22 * epoch : 22 * (epoch + 1)]) == list(range(22))
    assert shown_in_fit(epochs=2, iteration=9) == shown[4 * 9 : 4 * 21]
