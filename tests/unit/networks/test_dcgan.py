import pytest
import torch
from torch import nn
from torch.nn.functional import conv_transpose2d

from gan_lightning.errors import UserError
from gan_lightning.networks import DeepDCGANDiscriminator, DeepDCGANGenerator
from gan_lightning.networks.base import sides_of_maps
from gan_lightning.networks.dcgan import FirstMap


@pytest.mark.parametrize(
    ("resolution", "odd_maps", "sides"),
    [
        (28, False, [7, 14, 28]),
        (28, True, [4, 7, 14, 28]),
        (32, True, [4, 8, 16, 32]),
        (64, False, [4, 8, 16, 32, 64]),
        (30, True, [4, 8, 15, 30]),
        (9, True, [3, 5, 9]),
    ],
)
def test_sides_of_maps(resolution: int, odd_maps: bool, sides: list[int]) -> None:
    assert sides_of_maps(resolution, odd_maps) == sides


def test_eight_pixels_are_the_least() -> None:
    with pytest.raises(UserError, match="at least 8"):
        sides_of_maps(7, True)


def test_parameters_of_the_deep_networks_by_hand() -> None:
    generator = DeepDCGANGenerator(channels=1, resolution=28, width=8)
    discriminator = DeepDCGANDiscriminator(channels=1, resolution=28, width=8)
    first, to_7, to_14, to_28 = 100 * 32 * 16, 32 * 16 * 9, 16 * 8 * 16, 8 * 16
    assert count(generator) == first + to_7 + to_14 + to_28 + 2 * (32 + 16 + 8)
    to_14, to_7, to_4, logit = 8 * 16, 8 * 16 * 16, 16 * 32 * 9, 32 * 16
    assert count(discriminator) == to_14 + to_7 + to_4 + logit + 2 * (16 + 32)


@pytest.mark.parametrize("resolution", [9, 28, 30, 33, 57])
def test_deep_networks_take_every_resolution(resolution: int) -> None:
    images = DeepDCGANGenerator(channels=3, resolution=resolution, width=4)(torch.randn(2, 100))
    assert images.shape == (2, 3, resolution, resolution)
    assert DeepDCGANDiscriminator(channels=3, resolution=resolution, width=4)(images).shape == (2,)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bias", [True, False])
def test_the_first_map_is_the_transposed_convolution(memory_format: torch.memory_format, bias: bool) -> None:
    torch.manual_seed(0)
    layer = FirstMap(10, 6, 4, bias=bias).to(memory_format=memory_format).double()
    z, other = torch.randn(5, 10, 1, 1).double().requires_grad_(), torch.randn(5, 6, 4, 4).double()
    ours = layer(z)
    theirs = conv_transpose2d(z, layer.weight, layer.bias)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert ours.is_contiguous(memory_format=memory_format)
    parameters = [z, *layer.parameters()]
    gradients = torch.autograd.grad((ours * other).sum(), parameters)
    expected = torch.autograd.grad((theirs * other).sum(), parameters)
    torch.testing.assert_close(gradients, expected, rtol=1e-12, atol=1e-12)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
