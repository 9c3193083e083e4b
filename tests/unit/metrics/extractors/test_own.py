"""Extractors from one's own pictures, with classes and without, and the ranking that they have to pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data.image_set import ImageSet
from gan_lightning.errors import UserError
from gan_lightning.metrics.extractors import ClassifierExtractor, own
from gan_lightning.metrics.extractors.ranking import BLURRED, NOISE, REAL, UNTRAINED, ranking, require_ranking
from gan_lightning.metrics.extractors.weights_file import load_classifier

SIDE = 16


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(own, "UPDATES", 120)
    monkeypatch.setattr(own, "OWN", replace(own.OWN, widths=(16, 24)))


def pictures(folder: Path, classes: tuple[str, ...], count: int = 300) -> Path:
    """A bright sky above, and fine lines, which stand upright in the first class and lie in the other."""
    random = np.random.default_rng(0)
    for i in range(count):
        name = classes[i % len(classes)] if classes else ""
        sky = np.linspace(220, 40, SIDE)[:, None] * np.ones(SIDE)
        lines = 60.0 * (np.arange(SIDE) % 2)
        image = sky + (lines if name == classes[:1] or i % 2 else lines[:, None]) + random.normal(0, 12, (SIDE, SIDE))
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


def test_pictures_in_folders_are_told_by_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(tmp_path / "p", ("upright", "lying"))
    own.main([str(tmp_path / "p"), "--to", str(tmp_path), "--resolution", str(SIDE), "--threads", "1", "--no-flip"])
    said = capsys.readouterr().out
    extractor = ClassifierExtractor(weights=str(tmp_path / "own.safetensors"))
    assert (extractor.name, extractor.classifies, extractor.class_names) == ("own", True, ("lying", "upright"))
    assert extractor.card.test_accuracy is not None
    assert extractor.card.test_accuracy > 0.9
    assert f"it tells the class of {extractor.card.test_accuracy:.1%} of" in said
    assert f"evaluator.extractor.weights={tmp_path / 'own.safetensors'}" in said
    assert not list(tmp_path.glob("own.[!s]*"))


def test_without_classes_the_turn_is_learned_and_nothing_is_classified(tmp_path: Path) -> None:
    path, card = own.run(
        own.OwnOptions(str(pictures(tmp_path / "p", ())), tmp_path, "sky", SIDE, seed=0, threads=1, flip=True)
    )
    assert card.test_accuracy is not None
    assert (card.class_names, card.tells_classes, card.test_accuracy > 0.9) == (own.TURNS, False, True)
    extractor = ClassifierExtractor(weights=str(path))
    assert (extractor.classifies, extractor.class_names) == (False, ())
    images = torch.randint(256, (3, 1, SIDE, SIDE), dtype=torch.uint8)
    seen = extractor(images)
    assert seen.probabilities is None
    model, _ = load_classifier(path)
    torch.testing.assert_close(seen.features, model(extractor.prepare(images)).features)


def test_turns_are_those_of_the_pictures() -> None:
    image = torch.arange(4, dtype=torch.uint8).view(1, 1, 2, 2)
    found = own.turned(ImageSet(image, None, ()))
    assert found.images.flatten(1).tolist() == [[0, 1, 2, 3], [1, 3, 0, 2], [3, 2, 1, 0], [2, 0, 3, 1]]
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 2, 3]


def test_the_number_of_updates_hardly_depends_on_the_number_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "UPDATES", 1000)
    for count in (500, 5_000, 50_000):
        settings = own.settings_for(count, flip=False)
        assert 750 <= settings.epochs * (count // settings.batch_size) <= 1600


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_shipped_classifiers_pass_the_ranking(name: str) -> None:
    """On smooth images, which blurring changes little and noise much."""
    random = torch.Generator().manual_seed(0)
    small = torch.rand(600, 3, 5, 5, generator=random)
    images = (255 * torch.nn.functional.interpolate(small, (32, 32), mode="bicubic").clamp(0, 1)).to(torch.uint8)
    ranks = ranking(ClassifierExtractor(weights=name), images[:400], images[400:])
    assert list(ranks) == [REAL, BLURRED, UNTRAINED, NOISE]
    require_ranking(ranks)


def test_an_extractor_that_ranks_wrongly_may_not_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {REAL: 2.0, BLURRED: 1.0, UNTRAINED: 3.0, NOISE: 4.0}
    with pytest.raises(UserError, match="may not judge: by its FID held-out pictures are at 2, blurred ones at 1"):
        require_ranking(wrong)
    require_ranking(wrong | {REAL: 0.5})
    monkeypatch.setattr(own, "ranking", lambda *_: wrong)
    with pytest.raises(SystemExit, match="may not judge"):
        own.main(
            [str(pictures(tmp_path / "p", ())), "--to", str(tmp_path), "--resolution", str(SIDE), "--threads", "1"]
        )
    assert not list(tmp_path.glob("own*"))


def test_too_few_pictures(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: .* pictures to learn from, and 100 are needed"):
        own.main([str(pictures(tmp_path / "p", (), count=20)), "--to", str(tmp_path), "--threads", "1"])
