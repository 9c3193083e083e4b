"""Training of the shipped classifiers, in small."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from gan_lightning.data.image_set import ImageSet
from gan_lightning.metrics.extractors import train as command
from gan_lightning.metrics.extractors.settings import SETTINGS, Settings
from gan_lightning.metrics.extractors.training_loop import accuracy, mirrored, moved, noised, train_classifier
from gan_lightning.metrics.extractors.weights_file import SHIPPED, SUFFIX, load_classifier


def bars(count: int) -> ImageSet:
    """Bright bars on noise, upright (0) or lying (1)."""
    random = torch.Generator().manual_seed(count)
    labels = torch.arange(count) % 2
    images = torch.randint(120, (count, 1, 12, 12), generator=random)
    for image, label in zip(images, labels, strict=True):
        place = int(torch.randint(3, 9, (), generator=random))
        (image[0].T if label == 0 else image[0])[place] = 255
    return ImageSet(images.to(torch.uint8), labels, ("upright", "lying"))


class Bars:
    """A data set for a recipe."""

    def prepare_data(self) -> None:
        pass

    def load(self, split: str) -> ImageSet:
        return bars(640 if split == "train" else 200)


RECIPE = Settings(lambda _: Bars(), (8, 12), epochs=2, flip=True, shift=1, batch_size=32)


def test_it_learns() -> None:
    *_, model = train_classifier(bars(640), RECIPE, seed=0)
    assert accuracy(model, bars(200)) > 0.95
    assert not model.training


def test_the_seed_decides() -> None:
    first, again, other = (next(train_classifier(bars(320), RECIPE, seed)).head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_command_writes_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SETTINGS", {"bars": RECIPE})
    command.main(["bars", "--to", str(tmp_path), "--seed", "3", "--threads", "1"])
    assert [path.name for path in tmp_path.iterdir()] == [f"bars{SUFFIX}"]
    model, card = load_classifier(tmp_path / f"bars{SUFFIX}")
    assert card.test_accuracy == accuracy(model, bars(200)) > 0.95
    assert card.command == "python -m gan_lightning.metrics.extractors.train bars --seed 3 --threads 1"
    assert (card.channels, card.resolution, card.widths, card.class_names) == (1, 12, (8, 12), ("upright", "lying"))
    data = bars(640)
    assert card.data_sha256 == hashlib.sha256(data.images.numpy().tobytes() + data.labels.numpy().tobytes()).hexdigest()
    assert capsys.readouterr().out.endswith(f"bars: {card.test_accuracy:.2%} of 200 test images\n")


def test_an_interrupted_training_leaves_the_last_epoch_and_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"bars{SUFFIX}").write_text("the old one")
    monkeypatch.setattr(command, "SETTINGS", {"bars": RECIPE})

    def interrupted(*arguments: object) -> object:
        yield next(train_classifier(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "train_classifier", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.main(["bars", "--to", str(tmp_path)])
    assert (tmp_path / f"bars{SUFFIX}").read_text() == "the old one"
    _, card = load_classifier(tmp_path / f"bars{command.UNFINISHED}")
    assert card.test_accuracy is None


def test_missing_data_are_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="MNIST can't be read from"):
        command.main(["mnist", "--data-dir", str(tmp_path), "--to", str(tmp_path)])


def test_every_shipped_file_has_its_settings() -> None:
    for name, settings in SETTINGS.items():
        _, card = load_classifier(SHIPPED / f"{name}{SUFFIX}")
        assert card.widths == settings.widths


def test_images_are_moved_by_at_most_the_shift() -> None:
    image = torch.arange(36, dtype=torch.uint8).view(1, 1, 6, 6)
    found = moved(image.repeat(200, 1, 1, 1), 1, torch.Generator().manual_seed(0))
    wide = torch.nn.functional.pad(image.float(), (1, 1, 1, 1), mode="reflect").to(torch.uint8)
    possible = {bytes(wide[0, 0, r : r + 6, c : c + 6].flatten().tolist()) for r in range(3) for c in range(3)}
    assert {bytes(one.flatten().tolist()) for one in found} == possible


def test_colours_and_neighbours_move_together() -> None:
    images = torch.randint(80, (5, 1, 8, 8), dtype=torch.uint8) + torch.tensor([0, 80, 160], dtype=torch.uint8).view(
        3, 1, 1
    )
    found = moved(images, 2, torch.Generator().manual_seed(0))
    assert torch.equal(found[:, 1], found[:, 0] + 80)
    assert torch.equal(found[:, 2], found[:, 0] + 160)


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.randint(256, (1000, 1, 4, 4), dtype=torch.uint8)
    found = mirrored(images, torch.Generator().manual_seed(0))
    same = (found == images).flatten(1).all(1)
    turned = (found == images.flip(3)).flatten(1).all(1)
    assert (same | turned).all()
    assert 450 < turned.sum() < 550


def test_each_image_has_noise_of_its_own_strength() -> None:
    images = torch.zeros(4000, 1, 8, 8)
    found = noised(images, 0.3, torch.Generator().manual_seed(0))
    strengths = found.flatten(1).std(1)
    assert strengths.max() < 0.3 * 1.4  # the std of 64 draws is within 4 x 0.09 of the truth
    torch.testing.assert_close(found.square().mean(), torch.tensor(0.3**2 / 3), atol=1e-3, rtol=0)
    torch.testing.assert_close(found.mean(), torch.tensor(0.0), atol=2e-3, rtol=0)
    assert torch.equal(noised(images, 0.0, torch.Generator()), images)
