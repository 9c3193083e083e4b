"""The classifiers that come with the package, and the files that they are kept in."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from gan_lightning.data.image_set import ImageSet
from gan_lightning.data.sets.digits import Digits
from gan_lightning.data.sets.torchvision_sets import CIFAR10, MNIST
from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors import ClassifierExtractor
from gan_lightning.metrics.extractors.classifier import SmallClassifier
from gan_lightning.metrics.extractors.weights_file import KEY, SHIPPED, SUFFIX, WeightsCard, load_classifier, save

NAMES = ["cifar10", "digits", "mnist"]
CARD = WeightsCard(
    name="tiny",
    channels=1,
    resolution=8,
    widths=(4, 6),
    class_names=("zero", "one", "two"),
    test_accuracy=0.5,
    test_images=20,
    data_sha256="0" * 64,
    command="none",
    date="2026-01-01",
    torch="2",
)


def model_of(card: WeightsCard) -> SmallClassifier:
    return SmallClassifier(channels=card.channels, widths=card.widths, num_classes=len(card.class_names))


def share_right(extractor: ClassifierExtractor, data: ImageSet) -> float:
    """Accuracy on the first 1,000 images."""
    named = extractor(data.images[:1000]).class_probabilities.argmax(1)
    return (named == data.labels[:1000]).double().mean().item()


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_files_are_small_and_say_what_they_are(name: str) -> None:
    path = SHIPPED / f"{name}{SUFFIX}"
    assert path.stat().st_size < 2_000_000
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16, torch.int64}
    model, card = load_classifier(path)
    assert card.name == name
    # the module has moved since the files were made; its command is now gan_lightning.metrics.extractors.train
    assert card.command.startswith(f"python -m gan_lightning.extractors.train {name} ")
    assert card.test_images == 10_000
    assert card.test_accuracy >= {"digits": 0.993, "mnist": 0.993, "cifar10": 0.9}[name]
    assert sum(p.numel() for p in model.parameters()) < 1_000_000
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_no_other_files_are_shipped() -> None:
    assert sorted(path.name for path in SHIPPED.iterdir()) == [f"{name}{SUFFIX}" for name in NAMES]


def test_digits_are_told_apart() -> None:
    extractor = ClassifierExtractor(weights="digits")
    assert share_right(extractor, Digits(batch_size=1).load("test")) >= extractor.card.test_accuracy - 0.01


@pytest.mark.parametrize(("name", "kind"), [("mnist", MNIST), ("cifar10", CIFAR10)])
def test_real_images_are_told_apart(name: str, kind: type[MNIST] | type[CIFAR10], data_dir: Path) -> None:
    extractor = ClassifierExtractor(weights=name)
    data = kind(batch_size=1, data_dir=str(data_dir), download=False).load("test")
    assert extractor.class_names == data.class_names
    assert share_right(extractor, data) >= extractor.card.test_accuracy - 0.01


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 64)])
def test_any_size_and_colour_will_do(name: str, channels: int, side: int) -> None:
    extractor = ClassifierExtractor(weights=name)
    found = extractor(torch.randint(256, (3, channels, side, side), dtype=torch.uint8))
    assert found.features.shape == (3, extractor.num_features)
    assert found.class_probabilities.shape == (3, 10)
    assert extractor.num_features == extractor.card.widths[-1]


def test_a_file_gives_back_what_went_in(tmp_path: Path) -> None:
    model = model_of(CARD)
    save(tmp_path / "tiny.safetensors", model, CARD)
    loaded, card = load_classifier(tmp_path / "tiny.safetensors")
    assert card == CARD
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float() if value.is_floating_point() else value)
    extractor = ClassifierExtractor(weights=str(tmp_path / "tiny.safetensors"))
    assert (extractor.name, extractor.class_names, extractor.num_features) == ("tiny", CARD.class_names, 6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.safetensors"]


def test_rounding_to_16_bits_is_done_once(tmp_path: Path) -> None:
    """What is measured is what is shipped: to save a loaded model again changes nothing but the card."""
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    save(first, model_of(CARD), CARD)
    save(second, load_classifier(first)[0], replace(CARD, test_accuracy=0.25))
    assert all(torch.equal(value, load_file(first)[name]) for name, value in load_file(second).items())
    assert load_classifier(second)[1].test_accuracy == 0.25


def test_any_reader_of_safetensors_finds_the_card(tmp_path: Path) -> None:
    save(tmp_path / "tiny.safetensors", model_of(CARD), CARD)
    with safe_open(tmp_path / "tiny.safetensors", "pt") as file:
        assert json.loads(file.metadata()[KEY])["test_accuracy"] == 0.5


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match=r"weights=mnits is no file.*: those are cifar10, digits, mnist"):
        ClassifierExtractor(weights="mnits")


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "flipped header"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save(path, model_of(CARD), CARD)
    whole = path.read_bytes()
    content = {
        "cut": whole[:-10],
        "text": b"no weights at all",
        "empty": b"",
        "flipped header": b"\xff" * 8 + whole[8:],
    }[damage]
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"tiny\.safetensors is damaged"):
        ClassifierExtractor(weights=str(path))


@pytest.mark.parametrize(
    "card",
    [
        None,
        "no JSON",
        json.dumps({"name": "tiny"}),
        json.dumps({**asdict(CARD), "widths": [4, 7]}),
        json.dumps({**asdict(CARD), "widths": None}),
        json.dumps({**asdict(CARD), "more": 1}),
    ],
)
def test_a_card_that_does_not_fit_is_refused(card: str | None, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_file(model_of(CARD).state_dict(), path, card and {KEY: card})
    with pytest.raises(UserError, match=r"no weights of a classifier"):
        load_classifier(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_patches_are_centred_uncorrelated_and_of_variance_one(channels: int) -> None:
    model = SmallClassifier(channels=channels, widths=[4], num_classes=2)
    images = nn.functional.avg_pool2d(torch.randn(50, channels, 18, 18), 3, 1) * 0.5 + 0.2
    model.whiten(images, floor=0.0)
    with torch.no_grad():
        responses = model.whitening(images).permute(0, 2, 3, 1).reshape(-1, 8 * channels)
    half = responses[:, : 4 * channels]
    torch.testing.assert_close(half.mean(0), torch.zeros(4 * channels), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.cov(half.T), torch.eye(4 * channels), atol=1e-3, rtol=0)
    torch.testing.assert_close(responses[:, 4 * channels :], -half)
    assert not any(p.requires_grad for p in model.whitening.parameters())
