"""PatchGAN: counts layer by layer, the side of a patch as gradients see it, and the maps of logits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.networks import PatchDiscriminator, PixelDiscriminator


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_count_with_batch_norm_on_pairs() -> None:
    """C64-C128-C256-C512 and the logit, with six channels in; no bias before a batch norm, which has two a channel."""
    expected = 16 * 6 * 64 + 64
    expected += 16 * (64 * 128 + 128 * 256 + 256 * 512) + 2 * (128 + 256 + 512)
    expected += 16 * 512 + 1
    assert expected == 2_768_705
    assert size(PatchDiscriminator(in_channels=6, resolution=256)) == expected


def test_the_count_with_instance_norm_on_single_images() -> None:
    expected = sum(16 * a * b + b for a, b in [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1)])
    assert expected == 2_764_737
    assert size(PatchDiscriminator(in_channels=3, resolution=256, norm="instance")) == expected


def test_the_count_of_the_pixel_discriminator() -> None:
    assert size(PixelDiscriminator(in_channels=6, resolution=256)) == (6 * 64 + 64) + 64 * 128 + 2 * 128 + (128 + 1)
    assert size(PixelDiscriminator(in_channels=3, resolution=256, norm="instance")) == sum(
        a * b + b for a, b in [(3, 64), (64, 128), (128, 1)]
    )


def seen_by_one_logit(network: nn.Module, side: int) -> tuple[int, int]:
    """Height and width of the pixels that the logit in the middle depends on."""
    x = torch.randn(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    logits = network.double()(x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    rows, columns = (gradient[0, 0].abs().sum(dim).nonzero().flatten() for dim in (1, 0))
    return int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_the_side_of_a_patch(layers: int, patch: int) -> None:
    network = PatchDiscriminator(in_channels=1, resolution=256, layers=layers, width=4, norm="none")
    assert seen_by_one_logit(network, 256) == (patch, patch)


def test_a_pixel_is_judged_by_itself() -> None:
    network = PixelDiscriminator(in_channels=1, resolution=8, width=4, norm="none")
    assert seen_by_one_logit(network, 8) == (1, 1)


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize(("shape", "map_shape"), [((24, 24), (1, 1)), ((28, 28), (1, 1)), ((32, 64), (2, 6))])
def test_shapes(shape: tuple[int, int], map_shape: tuple[int, int], norm: str) -> None:
    network = PatchDiscriminator(in_channels=2, resolution=shape, width=2, norm=norm)
    pixels = PixelDiscriminator(in_channels=2, resolution=shape, width=2, norm=norm)
    for batch in (1, 2):
        x = torch.randn(batch, 2, *shape)
        assert network(x).shape == (batch, 1, *map_shape)
        assert pixels(x).shape == (batch, 1, *shape)


def test_at_256_pixels_the_map_is_30_x_30() -> None:
    with torch.device("meta"):
        network = PatchDiscriminator(in_channels=3, resolution=256)
        assert network(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resolution": 16}, "16 x 16 pixels.*at least 24.*in place of 16 take 24"),
        ({"resolution": (64, 32), "layers": 4}, "at least 48.*in place of 32 take 48"),
        ({"resolution": 64, "layers": 0}, "layers=0"),
        ({"resolution": 64, "norm": "layer"}, "batch, instance, none"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        PatchDiscriminator(in_channels=3, **options)


def test_the_smallest_size_works_with_every_depth() -> None:
    for layers in (1, 2, 3, 4):
        side = 3 * 2**layers
        network = PatchDiscriminator(in_channels=1, resolution=side, layers=layers, width=2, norm="instance")
        assert network(torch.randn(1, 1, side, side)).shape == (1, 1, 1, 1)
