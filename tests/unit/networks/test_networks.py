"""Networks: shapes, parameter counts, initial weights, and errors that tell what to do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator, MLPDiscriminator, MLPGenerator
from gan_lightning.networks.base import doublings


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [(8, (4, 1)), (20, (5, 2)), (28, (7, 2)), (32, (4, 3)), (64, (4, 4)), (96, (3, 5)), (128, (4, 5))],
)
def test_doublings(resolution: int, expected: tuple[int, int]) -> None:
    assert doublings(resolution) == expected


@pytest.mark.parametrize("resolution", [0, 4, 6, 7, 27, 30, 36, 72])
def test_unsupported_resolution(resolution: int) -> None:
    with pytest.raises(UserError, match=f"{resolution} is not supported.*power of two"):
        DCGANGenerator(channels=1, resolution=resolution)


def test_dcgan_has_the_known_sizes_at_64_pixels() -> None:
    """The counts of the networks in PyTorch's DCGAN tutorial (nz 100, ngf 64, ndf 64, nc 3)."""
    assert size(DCGANGenerator(channels=3, resolution=64, width=64, latent_dim=100)) == 3_576_704
    assert size(DCGANDiscriminator(channels=3, resolution=64, width=64)) == 2_765_568


def test_mlp_has_the_sizes_of_its_layers() -> None:
    """A layer has (fan-in + 1) fan-out parameters, because each output has a bias."""
    assert size(MLPGenerator(channels=1, resolution=28)) == 101 * 256 + 257 * 512 + 513 * 1024 + 1025 * 784
    assert size(MLPDiscriminator(channels=1, resolution=28)) == 785 * 1024 + 1025 * 512 + 513 * 256 + 257


@pytest.mark.parametrize("norm", ["batch", "instance", "layer", "none"])
@pytest.mark.parametrize("resolution", [12, 28, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_dcgan_shapes(channels: int, resolution: int, norm: str) -> None:
    generator = DCGANGenerator(channels=channels, resolution=resolution, width=4, latent_dim=5, norm=norm)
    discriminator = DCGANDiscriminator(channels=channels, resolution=resolution, width=4, norm=norm)
    for batch in (1, 2):
        images = generator(torch.randn(batch, 5))
        assert images.shape == (batch, channels, resolution, resolution)
        assert images.abs().max() <= 1
        assert discriminator(images).shape == (batch,)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_mlp_shapes(norm: str) -> None:
    generator = MLPGenerator(channels=3, resolution=9, latent_dim=5, widths=[8, 6], norm=norm)
    discriminator = MLPDiscriminator(channels=3, resolution=9, widths=[6, 4], norm=norm)
    images = generator(torch.randn(2, 5))
    assert images.shape == (2, 3, 9, 9)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (2,)


def test_unknown_norm() -> None:
    with pytest.raises(UserError, match=r"'bathc'.*batch, instance, layer, none"):
        DCGANDiscriminator(channels=1, resolution=28, norm="bathc")
    with pytest.raises(UserError, match=r"'instance'.*batch, layer, none"):
        MLPDiscriminator(channels=1, resolution=28, norm="instance")


def test_dcgan_norms_stand_where_the_paper_puts_them() -> None:
    """Norms stand between hidden convolutions only (4 in G, 3 in D at 64 pixels); a layer before a norm has no bias."""
    generator = DCGANGenerator(channels=3, resolution=64, width=2)
    discriminator = DCGANDiscriminator(channels=3, resolution=64, width=2)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in generator.modules()) == 4
    assert sum(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules()) == 3
    assert [type(m) for m in discriminator.layers][:3] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d]
    assert [type(m) for m in generator.layers][-3:] == [nn.ReLU, nn.ConvTranspose2d, nn.Tanh]
    biased = DCGANDiscriminator(channels=3, resolution=64, width=2, norm="none")
    assert [m.bias is not None for m in biased.modules() if isinstance(m, nn.Conv2d)] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_dcgan_initial_weights() -> None:
    """The standard errors are `0.02/√(2n)` at these sizes: below 1e-4 for weights and below 1e-3 for gains."""
    torch.manual_seed(0)
    for network in (
        DCGANGenerator(channels=3, resolution=64),
        DCGANDiscriminator(channels=3, resolution=64, norm="layer"),
    ):
        convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
        weights = torch.cat([m.weight.flatten() for m in convolutions])
        gains = torch.cat([m.weight for m in norms])
        assert weights.mean().item() == pytest.approx(0, abs=1e-4)
        assert weights.std().item() == pytest.approx(0.02, abs=1e-4)
        assert gains.mean().item() == pytest.approx(1, abs=3e-3)
        assert gains.std().item() == pytest.approx(0.02, abs=3e-3)
        assert all(m.bias.abs().max() == 0 for m in norms)


@pytest.mark.parametrize(("width", "std"), [(16, 0.04), (32, 0.02 * 2**0.5), (64, 0.02), (128, 0.02)])
def test_a_narrow_dcgan_starts_with_larger_weights(width: int, std: float) -> None:
    weight = DCGANDiscriminator(channels=1, resolution=28, width=width).layers[2].weight
    assert weight.std().item() == pytest.approx(std, rel=0.03)


@pytest.mark.parametrize("width", [16, 32, 64])
def test_batch_norm_in_a_fresh_dcgan_sees_more_than_its_epsilon(width: int) -> None:
    """From weights of 0.02 the variance of the maps of a new G's images would be 3e-6 at width 16, and 9e-6 at 32."""
    torch.manual_seed(0)
    images = DCGANGenerator(channels=1, resolution=28, width=width)(torch.randn(64, 100))
    discriminator = DCGANDiscriminator(channels=1, resolution=28, width=width)
    maps = discriminator.layers[:3](images)
    norm = discriminator.layers[3]
    assert isinstance(norm, nn.BatchNorm2d)
    assert maps.var((0, 2, 3)).mean().item() > 2 * norm.eps


def test_a_fresh_dcgan_reacts_to_its_input() -> None:
    """Gains initialised around 0 instead of 1 would make the output constant."""
    torch.manual_seed(0)
    images = DCGANGenerator(channels=1, resolution=28, width=16)(torch.randn(8, 100))
    assert images.std(0).mean() > 0.05
    logits = DCGANDiscriminator(channels=1, resolution=28, width=16)(images)
    assert logits.std() > 0.05


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
def test_dcgan_needs_a_channel(network: type[nn.Module]) -> None:
    with pytest.raises(UserError, match="at least one channel"):
        network(channels=1, resolution=28, width=0)
