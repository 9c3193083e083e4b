"""Absolute error, PSNR and SSIM beside formulas that were written out for these tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_lightning.metrics.likeness import absolute_errors, peak_signal_to_noise, structural_similarity

DECIBELS = 1e-5
"""Rounding of torchmetrics, which keeps the factor 10 / log 10 in float32."""


def random_images(seed: int, count: int = 3, channels: int = 3, height: int = 17, width: int = 23) -> Tensor:
    """Blocks of random grey levels with some noise, so that windows see both flat parts and edges."""
    random = torch.Generator().manual_seed(seed)
    blocks = torch.randint(256, (count, channels, 5, 6), generator=random)
    large = blocks.repeat_interleave(4, 2).repeat_interleave(4, 3)[:, :, :height, :width]
    noise = torch.randint(-20, 21, large.shape, generator=random)
    return (large + noise).clamp(0, 255).to(torch.uint8)


def ssim_of_the_paper(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Wang et al. 2004, eq. 13 to 16 for one channel [H W], window by window; the border is mirrored."""
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    x, y = (np.pad(each, 5, mode="reflect") for each in (x, y))
    values = []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = x[top : top + 11, left : left + 11], y[top : top + 11, left : left + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            variance_a, variance_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
            values.append(luminance * (2 * covariance + c2) / (variance_a + variance_b + c2))
    return float(np.mean(values))


def test_ssim_is_that_of_the_paper() -> None:
    x, y = random_images(1), random_images(2)
    y[1] = (x[1].int() * 3 // 4 + 20).to(torch.uint8)  # one that is similar
    found = structural_similarity(x, y)
    for image in range(3):
        channels = (ssim_of_the_paper(x[image, c].double().numpy(), y[image, c].double().numpy()) for c in range(3))
        assert float(found[image]) == pytest.approx(np.mean(list(channels)), abs=1e-9)
    assert float(found[1]) > 0.8 > float(found[0])


def test_ssim_of_even_images_is_a_formula() -> None:
    """Without any variance only the luminance is left, at the border as well."""
    x, y = torch.full((1, 1, 12, 12), 100, dtype=torch.uint8), torch.full((1, 1, 12, 12), 180, dtype=torch.uint8)
    c1 = 2.55**2
    assert structural_similarity(x, y).item() == pytest.approx((2 * 100 * 180 + c1) / (100**2 + 180**2 + c1), rel=1e-9)
    assert structural_similarity(x, x).tolist() == pytest.approx([1.0])


def test_psnr_and_absolute_error_by_hand() -> None:
    x = torch.zeros(2, 1, 2, 2, dtype=torch.uint8)
    y = torch.tensor([[[[0, 3], [4, 0]]], [[[255, 255], [255, 255]]]], dtype=torch.uint8)
    assert peak_signal_to_noise(x, y).tolist() == pytest.approx([10 * math.log10(255**2 / 6.25), 0.0], abs=DECIBELS)
    assert absolute_errors(x, y).tolist() == pytest.approx([7 / 4 / 255, 1.0])
    a, b = random_images(1), random_images(2)
    errors = ((a.double() - b.double()) ** 2).mean((1, 2, 3))
    assert peak_signal_to_noise(a, b).tolist() == pytest.approx(
        (10 * torch.log10(255**2 / errors)).tolist(), abs=DECIBELS
    )
    assert absolute_errors(a, b).tolist() == pytest.approx(((a.double() - b.double()).abs() / 255).mean((1, 2, 3)))


def test_equal_images_have_a_finite_psnr_that_no_others_exceed() -> None:
    x = random_images(1, count=1, channels=1, height=4, width=4)
    almost = x.clone()
    almost[0, 0, 0, 0] ^= 1
    assert peak_signal_to_noise(x, x).item() == pytest.approx(10 * math.log10(255**2 * 16))
    assert peak_signal_to_noise(x, almost).item() == pytest.approx(peak_signal_to_noise(x, x).item())


def test_an_image_does_not_hang_on_the_others() -> None:
    x, y = random_images(1), random_images(2)
    for values in (absolute_errors, peak_signal_to_noise, structural_similarity):
        alone = torch.cat([values(x[i : i + 1], y[i : i + 1]) for i in range(len(x))])
        torch.testing.assert_close(values(x, y), alone, rtol=1e-12, atol=1e-12)
        assert values(x, y).dtype == torch.float64
