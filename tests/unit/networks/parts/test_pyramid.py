"""The filter between two resolutions against torch's own interpolation, and how wide the maps are."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from gan_lightning.errors import UserError
from gan_lightning.networks.parts.pyramid import Downsample, Filter, Upsample, capped_widths


@pytest.mark.parametrize(
    ("width", "max_width", "count", "expected"),
    [
        (16, 64, 2, [64, 32, 16]),
        (768, 768, 3, [768, 768, 768, 768]),  # R3GAN on CIFAR-10
        (384, 768, 4, [768, 768, 768, 768, 384]),  # R3GAN on FFHQ-64
        (32, 512, 8, [512, 512, 512, 512, 512, 256, 128, 64, 32]),  # StyleGAN2 at 1024 pixels
    ],
)
def test_widths_from_the_smallest_map_on(width: int, max_width: int, count: int, expected: list[int]) -> None:
    assert capped_widths(width, max_width, count) == expected


@pytest.mark.parametrize(("width", "max_width"), [(0, 64), (65, 64)])
def test_impossible_widths(width: int, max_width: int) -> None:
    with pytest.raises(UserError, match=f"width={width}: .* at most max_width=64"):
        capped_widths(width, max_width, 2)


def test_upsampling_is_bilinear_interpolation_inside() -> None:
    x = torch.randn(2, 3, 7, 7)
    ours, theirs = Upsample()(x), interpolate(x, scale_factor=2, mode="bilinear")
    assert ours.shape == (2, 3, 14, 14)
    torch.testing.assert_close(ours[..., 1:-1, 1:-1], theirs[..., 1:-1, 1:-1], rtol=0, atol=1e-6)


def test_downsampling_is_antialiased_bilinear_interpolation_inside() -> None:
    x = torch.randn(2, 3, 14, 14)
    ours, theirs = Downsample()(x), interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True)
    assert ours.shape == (2, 3, 7, 7)
    torch.testing.assert_close(ours[..., 1:-1, 1:-1], theirs[..., 1:-1, 1:-1], rtol=0, atol=1e-6)


def test_constants_stay_and_fade_towards_the_zeros_beyond_the_border() -> None:
    ones = torch.ones(1, 1, 8, 8)
    taps = torch.tensor([3 / 4] + [1.0] * 14 + [3 / 4])
    torch.testing.assert_close(Upsample()(ones)[0, 0], torch.outer(taps, taps))
    taps = torch.tensor([7 / 8, 1, 1, 7 / 8])
    torch.testing.assert_close(Downsample()(ones)[0, 0], torch.outer(taps, taps))


def test_the_filter_has_its_taps() -> None:
    pixel = torch.zeros(1, 1, 7, 7)
    pixel[0, 0, 3, 3] = 1.0
    blurred = Filter(padding=2)(pixel)
    assert blurred.shape == (1, 1, 8, 8)
    taps = torch.tensor([0, 0, 1, 3, 3, 1, 0, 0]) / 8
    torch.testing.assert_close(blurred[0, 0], torch.outer(taps, taps))


def test_up_and_down_are_adjoint() -> None:
    """`<up(x), y> = 4 <x, down(y)>`, so up to the factor each is the other's gradient."""
    x, y = torch.randn(1, 2, 5, 5).double(), torch.randn(1, 2, 10, 10).double()
    up, down = Upsample().double(), Downsample().double()
    torch.testing.assert_close((up(x) * y).sum(), 4 * (x * down(y)).sum())


def test_checkpoints_hold_no_filters() -> None:
    assert not Downsample().state_dict()
