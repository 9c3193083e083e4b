"""StyleGAN2: its published sizes, its layers against plain formulas, and how its D couples samples."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import games
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d
from two_ranks import RANKS, both_ranks, store_in

from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.losses import R1
from gan_lightning.networks import StyleGAN2Discriminator, StyleGAN2Generator
from gan_lightning.networks.parts.equalized import EqualizedConv2d, EqualizedLinear, ScaledLeakyReLU
from gan_lightning.networks.parts.mapping import mapping_network
from gan_lightning.networks.parts.minibatch_std import MinibatchStd
from gan_lightning.networks.parts.modulated import (
    DemodulatedConv2d,
    ModulatedConv2d,
    Noise,
    UpsamplingConv2d,
    demodulation,
)
from gan_lightning.networks.parts.pyramid import Filter
from gan_lightning.parallel.strategy import GANStrategy

PAPER = {"channels": 3, "resolution": 1024, "width": 32, "max_width": 512}
SMALL = {"channels": 1, "resolution": 28, "width": 4, "max_width": 8}


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# ------------------------------------------------------------------------------------------------------------- sizes


def test_the_published_sizes() -> None:
    """The numbers are from the tables that the authors' code prints at 1024 x 1024 pixels, with two mapping layers."""
    latents = {"latent_dim": 512, "style_dim": 512, "noise": True}
    with torch.device("meta"):
        assert size(StyleGAN2Generator(**PAPER, **latents, mapping_layers=2)) == 28_794_124
        assert size(StyleGAN2Generator(**PAPER, **latents, mapping_layers=8)) == 28_794_124 + 6 * 262_656
        assert size(StyleGAN2Discriminator(**PAPER)) == 29_012_513


def test_the_published_sizes_of_layers() -> None:
    with torch.device("meta"):
        generator = StyleGAN2Generator(**PAPER, latent_dim=512, style_dim=512, noise=True)
        discriminator = StyleGAN2Discriminator(**PAPER)
    to_128 = generator.blocks[4]
    assert generator.constant.numel() == 8_192
    assert [size(layer) for layer in generator.mapping] == [262_656, 0, 262_656, 0]
    assert (size(generator.first), size(generator.first_to_image)) == (2_622_465, 264_195)
    assert [size(part) for part in (to_128.enlarge, to_128.layer, to_128.to_image)] == [1_442_561, 721_409, 132_099]
    of_128 = discriminator.layers[5]
    assert (size(of_128.skip), size(of_128.branch[0]), size(of_128.branch[3])) == (131_072, 590_080, 1_180_160)


# ----------------------------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_equalised_layers_keep_the_variance(lr_multiplier: float) -> None:
    layer = EqualizedLinear(256, 256, lr_multiplier=lr_multiplier)
    assert float(layer.weight.detach().std()) == pytest.approx(1 / lr_multiplier, rel=0.01)
    assert float(layer(torch.randn(256, 256)).std()) == pytest.approx(1.0, rel=0.02)
    convolution = EqualizedConv2d(64, 64, 3)
    assert float(convolution(torch.randn(8, 64, 16, 16))[..., 1:-1, 1:-1].std()) == pytest.approx(1.0, rel=0.02)


def test_the_activation_keeps_the_mean_square() -> None:
    """The mean square of normal numbers becomes `2 (1 + 0.2²)/2 = 1.04`."""
    x = torch.randn(1_000_000)
    assert float(ScaledLeakyReLU()(x).square().mean()) == pytest.approx(1.04, rel=0.01)


def test_a_learning_rate_multiplier_slows_the_layer_down() -> None:
    """Adam's first step is lr for each weight and bias whatever the gradient, and the output changes by lr / 100."""
    changes = []
    for multiplier in (1.0, 0.01):
        layer = EqualizedLinear(8, 8, lr_multiplier=multiplier)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
        before = layer(torch.eye(8)).detach()
        layer(torch.eye(8)).sum().backward()
        optimizer.step()
        changes.append(float((layer(torch.eye(8)) - before).abs().mean()))
    assert changes[0] / changes[1] == pytest.approx(100, rel=1e-3)


def weights_of_each_sample(layer: ModulatedConv2d, style: Tensor) -> Tensor:
    """The weights `s_i w_oik` [B O I k k] of the paper's eq. 1."""
    scales = layer.style(style)
    return scales[:, None, :, None, None] * layer.scale * layer.weight


def test_a_modulated_convolution_is_one_with_weights_of_its_own_for_each_sample() -> None:
    layer = ModulatedConv2d(5, 6, 3, 1)
    x, style = torch.randn(4, 6, 7, 7), torch.randn(4, 5)
    weights = weights_of_each_sample(layer, style)
    expected = torch.stack([conv2d(image, weight) for image, weight in zip(x, weights, strict=True)])
    torch.testing.assert_close(layer(x, style), expected, rtol=0, atol=1e-5)


def with_norm_1(weights: Tensor) -> Tensor:
    """The paper's eq. 3: weights divided by their norm over input channels and pixels."""
    return weights / weights.square().sum((2, 3, 4), keepdim=True).sqrt()


def test_demodulated_weights_have_norm_1_for_each_sample_and_output_channel() -> None:
    layer, style = DemodulatedConv2d(5, 6, 3, 3), 10 * torch.randn(4, 5)
    factors = demodulation(layer.style(style), layer.scale * layer.weight)
    weights = factors[:, :, None, None, None] * weights_of_each_sample(layer, style)
    torch.testing.assert_close(weights.flatten(2).norm(dim=2), torch.ones(4, 3), rtol=0, atol=1e-5)


def test_a_demodulated_convolution_is_one_with_such_weights() -> None:
    layer = DemodulatedConv2d(5, 6, 3, 3)
    x, style = torch.randn(4, 6, 7, 7), 10 * torch.randn(4, 5)
    weights = with_norm_1(weights_of_each_sample(layer, style))
    expected = torch.stack([conv2d(image, weight, padding=1) for image, weight in zip(x, weights, strict=True)])
    torch.testing.assert_close(layer(x, style), expected, rtol=0, atol=1e-5)


def test_an_upsampling_convolution_filters_what_it_enlarged() -> None:
    layer = UpsamplingConv2d(5, 6, 3, 3)
    x, style = torch.randn(4, 6, 7, 7), torch.randn(4, 5)
    weights = with_norm_1(weights_of_each_sample(layer, style)).transpose(1, 2)
    enlarged = [conv_transpose2d(image, weight, stride=2) for image, weight in zip(x, weights, strict=True)]
    expected = 4 * Filter(padding=1)(torch.stack(enlarged))
    assert expected.shape == (4, 3, 14, 14)
    torch.testing.assert_close(layer(x, style), expected, rtol=0, atol=1e-5)


def test_minibatch_std_by_hand() -> None:
    x = torch.randn(8, 3, 2, 2).double()
    out = MinibatchStd(4)(x)
    assert torch.equal(out[:, :3], x)
    for start in (0, 4):
        values = x[start : start + 4].flatten(1).T  # 12 positions of 4 samples
        spread = sum(math.sqrt(sum((v - row.mean()) ** 2 for v in row) / 4) for row in values) / 12
        torch.testing.assert_close(out[start : start + 4, 3], torch.full((4, 2, 2), float(spread)).double())


@pytest.mark.parametrize(("batch", "group"), [(8, 4), (6, 2), (5, 1), (4, 4), (1, 1)])
def test_groups_divide_the_batch(batch: int, group: int) -> None:
    """Changing a sample changes the numbers of its own group and of no other."""
    x = torch.randn(batch, 2, 3, 3)
    changed = x.clone()
    changed[0] += torch.randn(2, 3, 3)
    layer = MinibatchStd(4)
    touched = (layer(x)[:, 2, 0, 0] - layer(changed)[:, 2, 0, 0]).abs() > 1e-6
    assert touched.tolist() == [group > 1 and i < group for i in range(batch)]


def test_equal_samples_have_next_to_no_spread_and_a_gradient() -> None:
    x = torch.ones(4, 2, 3, 3, requires_grad=True)
    plane = MinibatchStd(4)(x)[:, 2]
    torch.testing.assert_close(plane, torch.full((4, 3, 3), 1e-4))
    plane.sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_noise_is_fixed_in_evaluation() -> None:
    layer = Noise(5)
    x = torch.zeros(3, 2, 5, 5)
    assert torch.equal(layer(x), x)
    nn.init.constant_(layer.strength, 2.0)
    drawn = layer(x)
    assert torch.equal(drawn[:, 0], drawn[:, 1])  # one map for all channels
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn, layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x), (2 * layer.fixed).expand_as(x))


# --------------------------------------------------------------------------------------------------------- networks


def test_only_the_direction_of_the_latents_counts() -> None:
    generator, z = StyleGAN2Generator(**SMALL), torch.randn(2, 64)
    torch.testing.assert_close(generator(3 * z), generator(z), rtol=0, atol=1e-5)


def test_one_latent_is_one_image_in_evaluation() -> None:
    generator = StyleGAN2Generator(**SMALL, noise=True).eval()
    for module in generator.modules():
        if isinstance(module, Noise):
            nn.init.ones_(module.strength)
    z = torch.randn(5, 64)
    torch.testing.assert_close(generator(z)[3:4], generator(z[3:4]), rtol=0, atol=1e-5)


def test_images_are_sums_over_the_resolutions() -> None:
    """If all weights are zero, only the biases are left, each enlarged to the full resolution."""
    generator = StyleGAN2Generator(**SMALL)
    parts = [generator.first_to_image, *(block.to_image for block in generator.blocks)]
    for power, part in enumerate(parts):
        nn.init.zeros_(part.convolution.weight)
        nn.init.constant_(part.bias, 10.0**power)
    inside = generator(torch.randn(2, 64))[:, :, 8:-8, 8:-8]
    torch.testing.assert_close(inside, torch.full_like(inside, 111.0))


def test_labels_join_the_latents_after_both_are_normalised() -> None:
    generator = StyleGAN2Generator(**SMALL, num_classes=3, conditioning="mapping", style_dim=16)
    z, y = 5 * torch.randn(4, 64), torch.tensor([0, 1, 2, 1])
    joined = generator.latents(z, y)
    torch.testing.assert_close(joined[:, :64].square().mean(1), torch.ones(4))
    torch.testing.assert_close(joined[:, 64:].square().mean(1), torch.ones(4))
    assert torch.equal(joined[1, 64:], joined[3, 64:])
    assert generator.mapping[0].weight.shape == (16, 80)


def test_the_projection_is_onto_a_mapped_label() -> None:
    discriminator = StyleGAN2Discriminator(**SMALL, num_classes=3, conditioning="projection")
    h, y, head = torch.randn(2, 8), torch.tensor([2, 0]), discriminator.head
    expected = (head.linear(h) * head.label(y)).sum(1) / math.sqrt(8)
    torch.testing.assert_close(head(h, y), expected)
    assert not torch.equal(head(h, y), head(h, y.flip(0)))


def test_what_it_does_not_take() -> None:
    with pytest.raises(UserError, match="StyleGAN2Discriminator takes conditioning none or projection, not 'concat'"):
        StyleGAN2Discriminator(**SMALL, num_classes=3, conditioning="concat")
    with pytest.raises(UserError, match="mapping_layers=0"):
        mapping_network(4, 4, 0)


def test_a_multiple_of_the_group_is_judged_the_same_in_parts() -> None:
    """Each part stands for the share of the batch that one of several processes judges."""
    discriminator = StyleGAN2Discriminator(**SMALL)
    x = torch.randn(16, 1, 28, 28)
    torch.testing.assert_close(torch.cat([discriminator(part) for part in x.split(8)]), discriminator(x))


def coupled() -> GAN:
    """A game in which minibatch standard deviation couples samples and R1 differentiates through it."""
    torch.manual_seed(1)
    options = {"channels": 1, "resolution": games.PIXELS, "width": 4, "max_width": 4}
    generator, discriminator = StyleGAN2Generator(**options, latent_dim=4), StyleGAN2Discriminator(**options)
    return games.game(generator, discriminator, penalties={"r1": R1(gamma=1.0, interval=2)}, optimizer=games.SGD)


@pytest.mark.forks
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    steps, batch = 4, 16

    def train(rank: int) -> dict[str, Any]:
        strategy = GANStrategy(store=store_in(tmp_path))
        games.fit(module := coupled(), steps, batch_size=batch, devices=RANKS, strategy=strategy)
        return games.weights(module)

    ranks = both_ranks(train, tmp_path)
    games.fit(alone := coupled(), steps, batch_size=batch)
    assert games.largest_difference(ranks[0], ranks[1]) == 0.0
    assert games.largest_difference(ranks[0], games.weights(alone)) < 1e-5


# ------------------------------------------------------------------------------------------------ second derivatives


def test_r1_has_the_gradient_of_finite_differences() -> None:
    """R1 differentiates through the convolutions, the filters and the minibatch standard deviation."""
    discriminator = StyleGAN2Discriminator(channels=1, resolution=8, width=2, max_width=2).double()
    x = torch.randn(4, 1, 8, 8).double().requires_grad_()

    def penalty() -> Tensor:
        (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return gradient.square().sum()

    parameters = list(discriminator.parameters())
    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    directions = [torch.randn_like(p) for p in parameters]
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True) if g is not None)

    def moved(step: float) -> float:
        torch._foreach_add_([p.data for p in parameters], directions, alpha=step)
        value = float(penalty())
        torch._foreach_add_([p.data for p in parameters], directions, alpha=-step)
        return value

    step = 1e-6
    assert (moved(step) - moved(-step)) / (2 * step) == pytest.approx(slope, rel=1e-4)


def test_half_precision_comes_close() -> None:
    generator, discriminator = StyleGAN2Generator(**SMALL), StyleGAN2Discriminator(**SMALL)
    z = torch.randn(4, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = generator(z)
        logits = discriminator(images.float())
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(images.float(), generator(z), rtol=0, atol=0.1)
    torch.testing.assert_close(logits.float(), discriminator(images.float()), rtol=0, atol=0.1)
