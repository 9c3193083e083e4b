"""What is measured of samples and weights: closed forms, and exact singular values."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.health.norms import spectral_norms
from gan_lightning.health.samples import Specimens, measure, pixels

RANDOM = torch.Generator().manual_seed(0)


def noise(count: int, channels: int = 1) -> torch.Tensor:
    return torch.rand(count, channels, 8, 8, generator=RANDOM) * 1.8 - 0.9


def test_the_same_distribution_is_not_told_apart() -> None:
    found = measure(Specimens(noise(200), noise(200), None))
    assert found.variety == pytest.approx(1.0, abs=0.02)
    assert found.told_apart == pytest.approx(0.5, abs=0.1)
    assert (found.duplicates, found.classes, found.saturated) == (0.0, 1.0, 0.0)
    assert found.distinct == 200


def test_variety_is_the_ratio_of_mean_distances() -> None:
    """The same images, pulled together around one point by a factor of 4, are a quarter as far apart."""
    real = noise(50)
    assert measure(Specimens(0.25 * real + 0.1, real, None)).variety == pytest.approx(0.25)


def test_one_image_again_and_again() -> None:
    found = measure(Specimens(noise(1).repeat(40, 1, 1, 1), noise(40), None))
    assert (found.variety, found.duplicates) == (0.0, 1.0)
    assert found.told_apart > 0.6


def test_duplicates_are_counted() -> None:
    twins = torch.cat([noise(30), noise(1).repeat(10, 1, 1, 1)])
    assert measure(Specimens(twins, noise(40), None)).duplicates == 0.25


def test_classes_are_those_of_the_nearest_real_images() -> None:
    """Eight modes on a line, of which the fakes have three."""
    labels = torch.arange(80) % 8
    real = (labels.float() + 0.01 * torch.rand(80, generator=RANDOM)).reshape(-1, 1, 1, 1).repeat(1, 2, 1, 1)
    fake = real[labels < 3][:24] + 0.001
    assert measure(Specimens(fake, real, labels)).classes == 3 / 8
    assert measure(Specimens(real, real, labels)).classes == 1.0
    assert measure(Specimens(fake, real, torch.full((80,), -1))).classes == 1.0  # without labels


def test_saturation_is_counted_on_both_sides() -> None:
    fake, real = torch.ones(16, 1, 8, 8), noise(16)
    fake[:, :, :2] = 0.5
    real[:, :, :2] = -1.0
    found = measure(Specimens(fake, real, None))
    assert (found.saturated, found.saturated_real) == (0.75, 0.25)


def test_a_data_set_of_one_image_is_no_collapse() -> None:
    found = measure(Specimens(noise(20), noise(1).repeat(20, 1, 1, 1), None))
    assert (found.distinct, found.variety, found.duplicates) == (1, 1.0, 0.0)


def test_numbers_that_are_not_finite_break_nothing() -> None:
    broken = noise(20)
    broken[0] = torch.nan
    assert measure(Specimens(broken, noise(20), None)).variety > 0


def test_pictures_are_averaged_down_to_a_side_of_16() -> None:
    assert pixels(torch.zeros(3, 3, 64, 32)).shape == (3, 3 * 16 * 16)
    assert pixels(torch.zeros(3, 2, 1, 1)).shape == (3, 2)


def test_spectral_norms_are_the_largest_singular_values() -> None:
    shapes = [(20, 30), (8, 4, 3, 3), (1, 16)]
    parameters = [torch.nn.Parameter(torch.randn(*shape, generator=RANDOM)) for shape in (*shapes, (7,))]
    exact = [float(torch.linalg.matrix_norm(p.detach().flatten(1), 2)) for p in parameters if p.ndim > 1]
    assert spectral_norms(parameters) == pytest.approx(exact, rel=0.05)
    assert spectral_norms([torch.nn.Parameter(torch.zeros(3, 3))]) == [0.0]
