"""The rendered digits are the same on every machine, in whatever portions they are made, and readable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gan_lightning.data.sets import rendering
from gan_lightning.data.sets.digits import Digits, digits
from gan_lightning.data.sets.rendering import digit_labels, mix, render, render_range
from gan_lightning.errors import UserError


@pytest.fixture(scope="module")
def data(cache_dir: Path) -> Digits:
    module = Digits(batch_size=64)
    module.setup("fit")
    return module


def test_the_counter_hash_is_splitmix64() -> None:
    """The reference generator with the seed 1234567 hashes the counters seed, seed + γ, seed + 2γ first."""
    gamma = np.uint64(0x9E3779B97F4A7C15)
    counters = np.uint64(1234567) + np.arange(3, dtype=np.uint64) * gamma
    assert mix(counters).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_it_has_mnists_sizes(data: Digits) -> None:
    assert (data.channels, data.resolution, data.num_classes, data.num_images) == (1, 28, 10, 60_000)
    assert data.split("test").images.shape == (10_000, 1, 28, 28)
    assert data.class_names == tuple("0123456789")


def test_a_digit_is_the_same_alone_and_among_all(data: Digits) -> None:
    everything = torch.cat([data.train_set.images, data.split("test").images]).numpy()
    for index in (0, 1, 127, 128, 31_415, 59_999, 60_000, 69_999):
        assert np.array_equal(render(0, np.array([index]))[0], everything[index])
    shuffled = np.array([500, 3, 69_000, 3, 127])
    assert np.array_equal(render(0, shuffled), everything[shuffled])


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_and_chunks_change_nothing(threads: int, data: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "CHUNK", 37)
    assert np.array_equal(render_range(0, 1000, 1300, threads), data.train_set.images[1000:1300].numpy())


def test_no_two_digits_are_alike(data: Digits) -> None:
    images = data.train_set.images.flatten(1).numpy()
    assert len({image.tobytes() for image in images}) == 60_000


def test_the_data_do_not_follow_the_seed_of_the_run(data: Digits) -> None:
    assert torch.equal(Digits(batch_size=64, seed=1).train_set.images, data.train_set.images)
    assert not np.array_equal(render(1, np.arange(10)), render(0, np.arange(10)))


def test_the_digits_of_seed_0_are_what_they_were() -> None:
    """Another FreeType may move an outline a little, so the mean brightness of a digit has a tolerance."""
    means = [20.9, 15.3, 47.7, 31.6, 34.7, 21.0, 44.6, 19.5, 41.2, 42.8]
    images = render(0, np.arange(10))
    assert digit_labels(0, np.arange(10)).tolist() == [2, 1, 6, 5, 6, 7, 2, 0, 4, 2]
    np.testing.assert_allclose(images.mean((1, 2, 3)), means, rtol=0, atol=0.5)


def test_labels_are_balanced_and_follow_no_pattern(data: Digits) -> None:
    labels = data.train_set.labels
    assert labels is not None
    counts = torch.bincount(labels, minlength=10)
    assert (counts - 6000).abs().max() < 4 * 73.5  # standard deviation of a class: sqrt(60000 · 0.1 · 0.9)
    repeats = (labels[1:] == labels[:-1]).float().mean().item()
    assert repeats == pytest.approx(0.1, abs=4 * 0.0012)


def test_they_are_white_on_black_and_inside_the_page(data: Digits) -> None:
    images = data.train_set.images
    assert images.float().mean().item() == pytest.approx(33.8, abs=0.5)  # 33.3 in MNIST
    assert (images == 0).float().mean() > 0.7
    assert (images.flatten(1).amax(1) > 120).all()
    border = torch.ones(28, 28, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert images[:, 0, border].float().mean() < 1


def test_a_digit_can_be_told_from_the_others(data: Digits) -> None:
    """The nearest of 10,000 training digits almost always has the right label, so the classes can be learned."""
    train, labels = data.train_set.images[:10_000].flatten(1).float(), data.train_set.labels
    test = data.split("test")
    assert labels is not None
    assert test.labels is not None
    nearest = torch.cdist(test.images[:300].flatten(1).float(), train).argmin(1)
    assert (labels[nearest] == test.labels[:300]).float().mean() > 0.95


def test_they_come_from_the_cache_the_second_time(data: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "render_range", None)
    assert np.array_equal(digits(0)[:60_000], data.train_set.images.numpy())


def test_the_cache_knows_what_it_was_made_with(data: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "gan_lightning.data.sets.digits.rendering.render_range", lambda *_, **__: np.zeros(3, dtype=np.uint8)
    )
    digits(0)
    digits(1)
    monkeypatch.setitem(rendering.PARAMETERS, "pen", (0.0, 0.1))
    digits(0)
    assert len(list(tmp_path.iterdir())) == 3


def test_sevens_alone() -> None:
    module = Digits(batch_size=64, classes=[7])
    assert module.num_classes == 1
    assert set(digit_labels(0, np.arange(60_000)).tolist()) == set(range(10))
    assert module.num_images == (digit_labels(0, np.arange(60_000)) == 7).sum()


def test_a_letter_is_no_class() -> None:
    with pytest.raises(UserError, match=r"'a'.*it has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"):
        Digits(batch_size=64, classes=["a"]).setup("fit")
