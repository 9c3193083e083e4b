"""Translations with no files of one's own: closed forms of what is made, and real sets where they are at hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import LightningModule, Trainer
from omegaconf import OmegaConf
from torch import Tensor

from gan_lightning.config.compose import config_folder
from gan_lightning.config.instantiate import build
from gan_lightning.data.image_set import ImageSet, with_channels
from gan_lightning.data.sets import digits as digits_module
from gan_lightning.data.sets import rendering
from gan_lightning.data.sets.digits import digits
from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST
from gan_lightning.data.translation import digits as translated_digits
from gan_lightning.data.translation.datamodule import PairedDataModule, TranslationDataModule, UnpairedDataModule
from gan_lightning.data.translation.digits import HANDS, PALETTE, Colours, Edges, Styles, coloured, outlines
from gan_lightning.data.translation.loader import TranslationBatch
from gan_lightning.data.translation.photographs import CIFAR10Classes, CIFAR10Colours, MNISTDigits
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import UserError
from gan_lightning.train.run import changed
from gan_lightning.train.settle import facts_of, require_agreement


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits in hundreds and not in thousands: 600 to train and 100 to test."""
    for module in (digits_module, translated_digits):
        monkeypatch.setattr(module, "TRAIN", 600)
        monkeypatch.setattr(module, "TEST", 100)
    monkeypatch.setattr(digits, "__defaults__", (0, 700, rendering.AS_USUAL))


def test_the_outline_of_a_square_lies_around_it() -> None:
    image = torch.zeros(1, 1, 7, 7, dtype=torch.uint8)
    image[..., 2:5, 2:5] = 128
    expected = torch.zeros(7, 7)
    expected[1, 2:5] = expected[5, 2:5] = expected[2:5, 1] = expected[2:5, 5] = 255
    assert torch.equal(outlines(image)[0, 0], expected.to(torch.uint8))


def test_an_outline_at_the_border_is_cut_and_faint_pixels_are_no_ink() -> None:
    image = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    image[0, 0, 0, 0], image[0, 0, 3, 3] = 255, 127
    expected = torch.zeros(4, 4)
    expected[0, 1] = expected[1, 0] = 255
    assert torch.equal(outlines(image)[0, 0], expected.to(torch.uint8))


def test_a_colour_is_a_function_of_the_class() -> None:
    assert len(set(PALETTE)) == 10
    images = torch.arange(256, dtype=torch.uint8).view(256, 1, 1, 1)
    for label, colour in enumerate(PALETTE):
        inked = coloured(images, torch.full((256,), label))
        expected = [[int(grey * part / 255 + 0.5) for part in colour] for grey in range(256)]
        assert inked[:, :, 0, 0].tolist() == expected


@pytest.mark.usefixtures("few")
def test_edges_belong_to_their_digits() -> None:
    data = Edges(batch_size=4)
    for split, count in (("train", 600), ("test", 100)):
        pairs = data.split(split)
        assert (pairs.a.images.shape, pairs.b.images.shape) == ((count, 1, 28, 28), (count, 1, 28, 28))
        assert torch.equal(pairs.a.images, outlines(pairs.b.images))
        assert torch.equal(pairs.a.labels, pairs.b.labels)
        assert not ((pairs.a.images > 0) & (pairs.b.images > 127)).any()
    assert (data.channels_a, data.channels_b, data.resolution, data.num_classes) == (1, 1, (28, 28), 10)
    assert data.description() == "600 pairs of images 1x28x28 -> 1x28x28"


@pytest.mark.usefixtures("few")
def test_colours_keep_the_drawing() -> None:
    data = Colours(batch_size=4)
    pairs = data.split("test")
    assert (data.channels_a, data.channels_b) == (1, 3)
    assert data.channels == 3  # of what a generator is to make
    brightest = torch.tensor(PALETTE)[pairs.labels].amax(1)[:, None, None, None]
    expected = (pairs.a.images.int() * brightest + 127) // 255
    assert torch.equal(pairs.b.images.amax(1, keepdim=True).int(), expected.int())


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("a", "b"), [("thin", "bold"), ("upright", "slanted")])
def test_styles_are_two_hands(a: str, b: str) -> None:
    data = Styles(hand_a=a, hand_b=b, batch_size=4)
    train, test = data.split("train"), data.split("test")
    assert (len(train.a), len(train.b), len(test.a), len(test.b)) == (300, 300, 100, 100)
    for side, hand, start in ((train.a, a, 0), (train.b, b, 300), (test.a, a, 600), (test.b, b, 600)):
        indices = np.arange(start, start + len(side))
        assert np.array_equal(side.images.numpy(), rendering.render(0, indices, HANDS[hand]))
        assert np.array_equal(side.labels.numpy(), rendering.digit_labels(0, indices))
    assert torch.equal(test.a.labels, test.b.labels)


def lean(images: Tensor) -> float:
    """Mean pixels to the right per pixel upwards, by the second moments of the ink."""
    ink = images[:, 0].double()
    y, x = torch.meshgrid(torch.arange(28.0).double(), torch.arange(28.0).double(), indexing="ij")
    mass = ink.sum((1, 2))
    cx, cy = (((ink * axis).sum((1, 2)) / mass)[:, None, None] for axis in (x, y))
    return float((-(ink * (x - cx) * (y - cy)).sum((1, 2)) / (ink * (y - cy) ** 2).sum((1, 2))).mean())


def test_hands_differ_in_what_they_are_called_after() -> None:
    hands = {name: torch.from_numpy(rendering.render(0, np.arange(300), ranges)) for name, ranges in HANDS.items()}
    ink = {name: float(images.float().mean()) for name, images in hands.items()}
    assert ink["bold"] > 2 * ink["thin"]
    assert abs(lean(hands["upright"])) < 0.1
    assert lean(hands["slanted"]) - lean(hands["upright"]) > 0.35


def test_the_usual_digits_are_what_they_were() -> None:
    assert np.array_equal(rendering.render(0, np.arange(20)), rendering.render(0, np.arange(20), rendering.PARAMETERS))


@pytest.mark.usefixtures("few")
def test_in_memory_images_are_enlarged_and_resized_too() -> None:
    data = Edges(batch_size=4, resolution=32, enlarge=36, flip=True)
    data.setup("fit")
    assert (data.resolution, data.train_set.a.size, data.split("test").b.size) == ((32, 32), (36, 36), (32, 32))
    without = Edges(batch_size=4, enlarge=30)
    assert (without.resolution, without.train_set.b.size) == ((28, 28), (30, 30))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hand_a": "neat"}, "data.hand_a=neat is no hand: choose one of thin, bold, upright, slanted"),
        ({"hand_b": "thin"}, "both thin"),
    ],
)
def test_hands_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Styles(batch_size=4, **options)


@pytest.fixture
def without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST and CIFAR-10 of 20 images, two a class; their value is their index, and green is 100 in CIFAR-10."""
    labels = torch.arange(20) % 10

    def load(channels: int, side: int) -> Any:
        def images(self: Any, split: str) -> ImageSet:
            values = torch.arange(20, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, channels, side, side)
            values[:, 1:2] = 100
            names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
            return ImageSet(values, labels, names if channels == 3 else tuple("0123456789"))

        return images

    monkeypatch.setattr(CIFAR10, "load", load(3, 32))
    monkeypatch.setattr(MNIST, "load", load(1, 28))


@pytest.mark.usefixtures("without_files")
def test_cifar10_grey_and_coloured() -> None:
    data = CIFAR10Colours(batch_size=4)
    pairs = data.split("train")
    assert torch.equal(pairs.a.images, with_channels(pairs.b.images, 1))
    assert (data.channels_a, data.channels_b, data.resolution, data.num_classes) == (1, 3, (32, 32), 10)


@pytest.mark.usefixtures("without_files")
def test_classes_of_cifar10_are_domains() -> None:
    data = CIFAR10Classes(batch_size=4)
    train = data.split("train")
    assert train.a.images[:, 0, 0, 0].tolist() == [7, 17]
    assert train.b.images[:, 0, 0, 0].tolist() == [4, 14]
    assert data.num_classes == 0
    assert CIFAR10Classes(batch_size=4, class_a="ship", class_b=0).split("train").b.images[0, 0, 0, 0] == 0
    with pytest.raises(UserError, match="both deer"):
        CIFAR10Classes(batch_size=4, class_a="deer")
    with pytest.raises(UserError, match="no class of this data set"):
        CIFAR10Classes(batch_size=4, class_a="hose").split("train")


@pytest.mark.usefixtures("without_files", "few")
def test_written_and_rendered_digits() -> None:
    data = MNISTDigits(batch_size=4)
    train = data.split("train")
    assert (len(train.a), len(train.b), data.num_images) == (20, 600, 600)
    assert data.resolution == (28, 28)
    assert data.class_names == tuple("0123456789")


def test_the_real_sets(data_dir: Path) -> None:
    options: dict[str, Any] = {"data_dir": str(data_dir), "download": False, "batch_size": 4}
    colours = CIFAR10Colours(**options).split("test")
    assert (colours.a.images.shape, colours.b.images.shape) == ((10_000, 1, 32, 32), (10_000, 3, 32, 32))
    animals = CIFAR10Classes(**options)
    assert (len(animals.split("train").a), len(animals.split("test").b)) == (5_000, 1_000)
    assert MNISTDigits(**options).written.load("test").images.shape == (10_000, 1, 28, 28)


CHOICES = ["edges", "colours", "styles", "cifar10_colours", "horses_deer", "mnist_digits", "pairs", "domains"]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_built_as_its_yaml_says(choice: str, tmp_path: Path) -> None:
    """Each option of a class stands in its yaml with the default of the class, or is filled in."""
    given = [f"data.a={tmp_path}", f"data.b={tmp_path}"] if choice in ("pairs", "domains") else []
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = compose("train", [f"data={choice}", *given])
    data = build({**{key: config.data[key] for key in config.data}}, "data")
    assert isinstance(data, TranslationDataModule)
    paired = choice in ("edges", "colours", "cifar10_colours", "pairs")
    assert isinstance(data, PairedDataModule if paired else UnpairedDataModule)
    assert {"enlarge", "flip", "batch_size", "seed", "n_critic", *data.FACTS} <= set(config.data)


@pytest.mark.usefixtures("few")
def test_a_run_writes_the_facts_into_its_configuration_and_builds_the_same_from_it() -> None:
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = compose("train", ["data=edges", "data.enlarge=[30,32]", "data.flip=true"])
    OmegaConf.set_struct(config, False)
    config.model = {"translator": {"in_channels": "${data.channels_a}", "resolution": "${data.resolution}"}}
    data = build(OmegaConf.to_container(config.data, resolve=True), "data")
    config = changed(config, {f"data.{fact}": value for fact, value in facts_of(data).items()})
    require_agreement(config.model, facts_of(data))
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    assert {fact: resolved["data"][fact] for fact in data.FACTS} == {
        **{"channels_a": 1, "channels_b": 1, "resolution": [28, 28], "num_classes": 10}
    }
    assert resolved["model"]["translator"] == {"in_channels": 1, "resolution": [28, 28]}
    assert "channels" not in resolved["data"]
    again = build(resolved["data"], "data")
    assert torch.equal(again.train_set.a.images, data.train_set.a.images)
    config.model.translator.resolution = 32
    with pytest.raises(UserError, match=r"model.translator.resolution=32, but the data have \[28, 28\]"):
        require_agreement(config.model, facts_of(data))


class Made(PairedDataModule):
    """Whatever sides a test hands over."""

    sides: TwoSides

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        return self.sides


def images(count: int = 3, channels: int = 1, height: int = 4, width: int = 6) -> Tensor:
    return torch.zeros(count, channels, height, width, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TwoSides(Side(images().float()), Side(images())), "domain a must be uint8"),
        (lambda: TwoSides(Side(images()), Side(images(0))), "domain b has no images"),
        (lambda: TwoSides(Side(images()), Side(images()), ("x",)), "both labels and class names"),
        (lambda: TwoSides(Side(images(), torch.zeros(2).long()), Side(images()), ("x",)), "3 images of domain a need"),
    ],
)
def test_sides_that_make_no_sense(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_pairs_are_as_many_and_as_large() -> None:
    data = Made(batch_size=2)
    data.sides = TwoSides(Side(images(3)), Side(images(4)))
    with pytest.raises(UserError, match="3 images of domain a and 4 of b are no pairs"):
        data.split("train")
    data.sides = TwoSides(Side(images()), Side(images(width=8)))
    with pytest.raises(UserError, match=r"a have 4 x 6 pixels and those of b 4 x 8: .* data.resolution=8"):
        data.split("train")


def test_a_batch_that_cannot_be_shared_equally_is_refused() -> None:
    data = Made(batch_size=3)
    data.sides = TwoSides(Side(images()), Side(images()))
    data.trainer = SimpleNamespace(world_size=2)  # type: ignore[assignment]
    with pytest.raises(UserError, match=r"batch_size=3 .* take 2 or 4"):
        data.train_dataloader()


def test_a_claim_is_checked() -> None:
    data = Made(batch_size=2, num_classes=10)
    data.sides = TwoSides(Side(images()), Side(images()))
    with pytest.raises(UserError, match=r"data.num_classes=10, but the data have 0"):
        data.split("train")


class Recorder(LightningModule):
    """A module that counts iterations as a game does and keeps the values that it was shown of either domain."""

    def __init__(self, iteration: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.iteration = iteration
        self.shown: list[tuple[int, int]] = []

    def training_step(self, batch: TranslationBatch) -> None:
        assert isinstance(batch, TranslationBatch)
        values = (((side[:, 0, 0, 0] + 1) * 127.5).round().int().tolist() for side in (batch.a, batch.b))
        self.shown += zip(*values, strict=True)
        self.iteration += 1

    def configure_optimizers(self) -> None:
        return None


class Unpaired(UnpairedDataModule):
    """Images whose value is their index, 7 of domain a and 100 to 112 of domain b."""

    def load(self, split: str, size: tuple[int, int] | None) -> TwoSides:
        a, b = (
            torch.arange(*ends, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 4, 4) for ends in ((7,), (100, 113))
        )
        return TwoSides(Side(a), Side(b))


def shown_in_fit(epochs: int, iteration: int = 0) -> list[tuple[int, int]]:
    """What is shown in a fit of ``epochs`` epochs which starts from ``iteration``."""
    module = Recorder(iteration)
    options: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    trainer = Trainer(max_epochs=epochs, accelerator="cpu", enable_progress_bar=False, **options)
    trainer.fit(module, datamodule=Unpaired(batch_size=2, n_critic=2))
    return module.shown


@pytest.mark.filterwarnings("ignore:.*configure_optimizers.*:UserWarning")
def test_a_fit_runs_through_both_domains_without_a_gap_and_can_go_on_anywhere() -> None:
    """An epoch has 4 iterations of 4 images, in which all 13 of the larger domain are shown."""
    shown = shown_in_fit(epochs=7)
    assert len(shown) == 7 * 4 * 4
    for side, values in zip(zip(*shown, strict=True), (range(7), range(100, 113)), strict=True):
        for epoch in range(len(shown) // len(values)):
            assert sorted(side[len(values) * epoch : len(values) * (epoch + 1)]) == list(values)
    assert shown_in_fit(epochs=2, iteration=9) == shown[4 * 9 : 4 * 17]
