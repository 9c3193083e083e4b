"""Residual networks: sizes against the authors' layers, blocks against the papers' formulas, second derivatives."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, relu

from gan_lightning.errors import UserError
from gan_lightning.networks import (
    Discriminator,
    Generator,
    ResNetDiscriminator,
    ResNetGenerator,
    SAGANDiscriminator,
    SAGANGenerator,
)
from gan_lightning.networks.parts.conditioning import identity
from gan_lightning.networks.parts.residual import down_block, first_block, flat_block, up_block

PLAIN = {"spectral_norm": False}
PAIRS = [(ResNetGenerator, ResNetDiscriminator), (SAGANGenerator, SAGANDiscriminator)]


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def conv(width_in: int, width_out: int, kernel: int = 3) -> int:
    return kernel**2 * width_in * width_out + width_out


def up(width_in: int, width_out: int, a_norm: int = 2) -> int:
    """Number of parameters of a block whose norms have ``a_norm`` parameters for each channel."""
    norms = a_norm * (width_in + width_out)
    return norms + conv(width_in, width_out) + conv(width_out, width_out) + conv(width_in, width_out, 1)


def down(width_in: int, width_out: int) -> int:
    return conv(width_in, width_in) + conv(width_in, width_out) + conv(width_in, width_out, 1)


def first(channels: int, width: int) -> int:
    return conv(channels, width) + conv(width, width) + conv(channels, width, 1)


def attention(width: int) -> int:
    """Number of parameters: an eighth of the channels for queries and keys, half for values and the output, and γ."""
    return 2 * width * (width // 8) + 2 * width * (width // 2) + 1


def test_the_cifar_pair_has_the_sizes_of_sngan() -> None:
    """The counts are those of github.com/kwotsin/mimicry (sngan_32), whose D has a bias in its last layer like ours."""
    generator = ResNetGenerator(channels=3, resolution=32, width=256, latent_dim=128)
    discriminator = ResNetDiscriminator(channels=3, resolution=32, width=128)
    assert size(generator) == 4_276_739 == 129 * 256 * 16 + 3 * up(256, 256) + 2 * 256 + conv(256, 3)
    flat = 2 * conv(128, 128)
    assert size(discriminator) == 1_053_825 == first(3, 128) + down(128, 128) + 2 * flat + 129


def test_conditional_sizes() -> None:
    """G has a gain and a bias for each class in the six norms of its blocks, and D has an embedding."""
    conditional = {"channels": 3, "resolution": 32, "num_classes": 10}
    generator = ResNetGenerator(width=256, conditioning="batch_norm", **conditional)
    discriminator = ResNetDiscriminator(width=128, conditioning="projection", **conditional)
    assert size(generator) == 4_276_739 + 3 * (up(256, 256, a_norm=20) - up(256, 256)) == 4_304_387
    assert size(discriminator) == 1_053_825 + 10 * 128


@pytest.mark.parametrize("resolution", [64, 128])
def test_the_larger_pairs_double_their_widths(resolution: int) -> None:
    """At 128 pixels the widths are those of SNGAN's code for ImageNet, and at 64 the same without the largest map."""
    ups = {64: [1024, 512, 256, 128, 64], 128: [1024, 1024, 512, 256, 128, 64]}[resolution]
    downs = {64: [64, 128, 256, 512], 128: [64, 128, 256, 512, 1024]}[resolution]
    with torch.device("meta"):
        generator = ResNetGenerator(channels=3, resolution=resolution, width=64)
        discriminator = ResNetDiscriminator(channels=3, resolution=resolution, width=64, **PLAIN)
    blocks = sum(up(a, b) for a, b in pairwise(ups))
    assert size(generator) == 129 * 1024 * 16 + blocks + 2 * 64 + conv(64, 3)
    blocks = first(3, 64) + sum(down(a, b) for a, b in pairwise(downs))
    # a shortcut has a weight only if it changes the width
    last = conv(1024, 1024) * 2 if resolution == 128 else down(512, 1024)
    assert size(discriminator) == blocks + last + 1025


def test_sagan_has_the_sizes_of_its_layers() -> None:
    """At 32 pixels the counts are those of github.com/kwotsin/mimicry (sagan_32)."""
    conditional = {"channels": 3, "resolution": 32, "num_classes": 10}
    generator = SAGANGenerator(width=256, conditioning="own", **conditional)
    discriminator = SAGANDiscriminator(width=128, conditioning="projection", **conditional)
    assert size(generator) == 4_304_387 + attention(256) == 4_386_308
    assert size(discriminator) == 1_053_825 + 10 * 128 + attention(128) == 1_075_586


@pytest.mark.parametrize(("resolution", "blocks"), [(28, 2), (32, 3), (64, 4)])
@pytest.mark.parametrize("pair", PAIRS)
def test_images_and_logits(pair: tuple[type[Generator], type[Discriminator]], resolution: int, blocks: int) -> None:
    make_generator, make_discriminator = pair
    generator = make_generator(channels=1, resolution=resolution, width=2, latent_dim=5)
    discriminator = make_discriminator(channels=1, resolution=resolution, width=2)
    images = generator(torch.randn(3, 5))
    assert images.shape == (3, 1, resolution, resolution)
    assert images.std() > 0.01
    assert images.abs().max() <= 1
    assert sum(isinstance(m, nn.Upsample) for m in generator.modules()) == 2 * blocks
    logits = discriminator.eval()(images)
    assert logits.shape == (3,)
    assert torch.allclose(discriminator(images[1:2]), logits[1:2], atol=1e-5)


def weight_and_bias(layer: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    return layer.weight, layer.bias


def convolutions(block: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of the two convolutions of the residual and of the shortcut's, if it has one."""
    return [weight_and_bias(m) for m in block.modules() if isinstance(m, nn.Conv2d)]


def test_blocks_against_the_papers_order() -> None:
    """In appendix C of Gulrajani et al. 2017, blocks convolve, then average, and repeat pixels, then convolve."""
    x = torch.randn(2, 3, 8, 8)

    block = down_block(3, 5, lambda _: nn.Identity(), identity)
    one, two, shortcut = convolutions(block)
    residual = conv2d(relu(conv2d(relu(x), *one, padding=1)), *two, padding=1)
    torch.testing.assert_close(block(x), avg_pool2d(residual + conv2d(x, *shortcut), 2))

    block = flat_block(3, 3, lambda _: nn.Identity(), identity)
    one, two = convolutions(block)
    torch.testing.assert_close(block(x), x + conv2d(relu(conv2d(relu(x), *one, padding=1)), *two, padding=1))

    block = first_block(3, 5, identity)
    one, two, shortcut = convolutions(block)
    residual = conv2d(relu(conv2d(x, *one, padding=1)), *two, padding=1)
    torch.testing.assert_close(block(x), avg_pool2d(residual + conv2d(x, *shortcut), 2))

    block = up_block(3, 5, nn.BatchNorm2d, identity).eval()
    one, two, shortcut = convolutions(block)
    root = sqrt(1 + 1e-5)  # running statistics are 0 and 1 at first, and batch norm adds 1e-5 to the variance
    inside = conv2d(interpolate(relu(x / root), scale_factor=2), *one, padding=1)
    residual = conv2d(relu(inside / root), *two, padding=1)
    torch.testing.assert_close(block(x), residual + conv2d(interpolate(x, scale_factor=2), *shortcut))


def test_initial_weights() -> None:
    """Weights are uniform within Glorot's limit `√(6/(fan-in + fan-out))`, times `√2` in convolutions after a ReLU."""
    discriminator = ResNetDiscriminator(channels=3, resolution=32, width=64, **PLAIN)
    generator = ResNetGenerator(channels=3, resolution=32, width=64)
    for network in (generator, discriminator):
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert len(layers) == {generator: 1 + 3 * 3 + 1, discriminator: 3 + 3 + 2 * 2 + 1}[network]
        for layer in layers:
            fan_out, fan_in = layer.weight.flatten(1).shape
            inside = isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and layer.out_channels == 64
            kernel = layer.weight[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
            limit = (sqrt(2) if inside else 1.0) * sqrt(6 / (fan_in + fan_out * kernel))
            assert layer.weight.abs().max() <= limit
            assert layer.weight.abs().max() > 0.9 * limit
            assert layer.bias is not None
            assert layer.bias.abs().max() == 0


def test_the_pools() -> None:
    """At 32 pixels the last map has 8 x 8 positions, so the sum is 64 times the mean."""
    summed = ResNetDiscriminator(channels=1, resolution=32, width=4, pool="sum", **PLAIN)
    averaged = ResNetDiscriminator(channels=1, resolution=32, width=4, pool="mean", **PLAIN)
    averaged.load_state_dict(summed.state_dict())
    x = torch.randn(3, 1, 32, 32)
    torch.testing.assert_close(summed(x), 64 * averaged(x))  # the bias is 0 at first


def test_norms_in_the_critic() -> None:
    """Each block but the first has two norms if asked; batch norm couples the samples of a batch, layer norm not."""
    x = torch.randn(4, 1, 28, 28)
    for norm, kind, coupled in [("layer", nn.GroupNorm, False), ("batch", nn.BatchNorm2d, True)]:
        discriminator = ResNetDiscriminator(channels=1, resolution=28, width=4, norm=norm, **PLAIN)
        assert sum(isinstance(m, kind) for m in discriminator.modules()) == 6
        assert torch.allclose(discriminator(x)[:2], discriminator(x[:2]), atol=1e-4) is not coupled
    default = ResNetDiscriminator(channels=1, resolution=28, width=4)
    assert not any(isinstance(m, nn.BatchNorm2d | nn.GroupNorm) for m in default.modules())


@pytest.mark.parametrize("network", [ResNetDiscriminator, SAGANDiscriminator])
def test_the_penalty_has_the_right_gradient(network: type[Discriminator]) -> None:
    """R1's slope along a direction, through spectral norm, pooling and attention, equals a finite difference."""
    discriminator = network(channels=1, resolution=8, width=4).double().eval()
    for module in discriminator.modules():
        if hasattr(module, "gamma"):
            nn.init.constant_(module.gamma, 0.7)
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    parameters = list(discriminator.parameters())
    direction = [torch.randn_like(p) for p in parameters]

    def penalty() -> Tensor:
        (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return gradient.square().sum()

    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True) if g is not None)
    values, step = [], 1e-6
    for sign in (1, -2):  # first to the right of the middle, then to the left
        with torch.no_grad():
            torch._foreach_add_(parameters, direction, alpha=sign * step)
        values.append(float(penalty().detach()))
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)
    assert abs(slope) > 1e-3


def test_mistakes() -> None:
    with pytest.raises(UserError, match=r"'max'.*sum, mean"):
        ResNetDiscriminator(channels=1, resolution=28, pool="max")
    with pytest.raises(UserError, match=r"'bathc'.*batch, instance, layer, none"):
        ResNetGenerator(channels=1, resolution=28, norm="bathc")
    for network in (ResNetGenerator, ResNetDiscriminator):
        with pytest.raises(UserError, match="at least one channel"):
            network(channels=1, resolution=28, width=0)
    with pytest.raises(UserError, match=r"attention=16.*7, 14 pixels"):
        SAGANDiscriminator(channels=1, resolution=28, attention=16)
    with pytest.raises(UserError, match=r"attention=32.*7, 14, 28 pixels"):
        ResNetGenerator(channels=1, resolution=28, attention=32)
    with pytest.raises(UserError, match="ResNetGenerator takes conditioning none, concat or batch_norm, not 'mapping'"):
        ResNetGenerator(channels=1, resolution=28, num_classes=2, conditioning="mapping")
