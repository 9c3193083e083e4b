"""R3GAN: its sizes by arithmetic, that a new network is linear, and that labels enter where its authors put them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.networks import R3GANDiscriminator, R3GANGenerator
from gan_lightning.networks.parts.fixup import FixupResidual
from gan_lightning.types import Verdict

CIFAR10 = {"channels": 3, "resolution": 32, "num_classes": 10, "width": 768, "max_width": 768, "blocks": 2}
SMALL = {"channels": 1, "resolution": 28, "width": 4, "max_width": 8}


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def block(width: int, group: int = 16) -> int:
    """Number of parameters of a 1 x 1, a grouped 3 x 3 and a 1 x 1 convolution, the first two with a bias."""
    inside = 2 * width
    return width * inside + inside + inside * group * 9 + inside + inside * width


@pytest.mark.parametrize(
    ("conditioning", "by_hand", "known"),
    [
        ("none", 768 * 16 + 64 * 768 + 8 * block(768) + 768 * 3, 20_732_160),
        ("concat", 768 * 16 + 128 * 768 + 8 * block(768) + 768 * 3 + 10 * 64, 20_781_952),
    ],
)
def test_generator_at_the_papers_size(conditioning: str, by_hand: int, known: int) -> None:
    with torch.device("meta"):
        assert size(R3GANGenerator(**CIFAR10, conditioning=conditioning)) == by_hand == known


@pytest.mark.parametrize(
    ("conditioning", "by_hand", "known"),
    [
        ("none", 3 * 768 + 8 * block(768) + 768 * 16 + 768, 20_683_776),
        ("projection", 3 * 768 + 8 * block(768) + 768 * 16 + 768 * 768 + 10 * 768, 21_280_512),
    ],
)
def test_discriminator_at_the_papers_size(conditioning: str, by_hand: int, known: int) -> None:
    with torch.device("meta"):
        assert size(R3GANDiscriminator(**CIFAR10, conditioning=conditioning)) == by_hand == known


def test_changes_of_width_are_linear_layers() -> None:
    generator = R3GANGenerator(channels=1, resolution=28, width=16, max_width=64)
    changes = 64 * 32 + 32 * 16
    assert size(generator) == 64 * 49 + 64 * 64 + block(64) + block(32) + block(16) + changes + 16


@pytest.mark.parametrize(("width", "group_width", "groups"), [(768, 16, 96), (12, 16, 3), (3, 16, 3), (8, 1000, 2)])
def test_groups(width: int, group_width: int, groups: int) -> None:
    with torch.device("meta"):
        grouped = FixupResidual(width, group_width, depth=1).branch[2]
    assert isinstance(grouped, nn.Conv2d)
    assert grouped.groups == groups


def test_a_new_block_is_the_identity() -> None:
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(FixupResidual(8, group_width=4, depth=6)(x), x)


def test_initial_weights_of_a_block() -> None:
    """The standard deviation is He's constant for this activation times `L^(-1/4)`, for L blocks of three layers."""
    depth = 16
    first, _, grouped, _, last = FixupResidual(64, group_width=16, depth=depth).branch
    gain = math.sqrt(2 / (1 + 0.2**2)) / depth ** (1 / 4)
    assert float(first.weight.detach().std()) == pytest.approx(gain / math.sqrt(64), rel=0.03)
    assert float(grouped.weight.detach().std()) == pytest.approx(gain / math.sqrt(16 * 9), rel=0.03)
    assert not any(torch.any(zeros) for zeros in (first.bias, grouped.bias, last.weight))


def test_a_new_generator_is_linear_in_its_latents() -> None:
    generator = R3GANGenerator(**SMALL).double()
    one, two = torch.randn(2, 3, 64).double()
    torch.testing.assert_close(generator(2 * one - 3 * two), 2 * generator(one) - 3 * generator(two))


def test_a_new_discriminator_is_linear_in_its_images() -> None:
    discriminator = R3GANDiscriminator(**SMALL).double()
    one, two = torch.randn(2, 3, 1, 28, 28).double()
    torch.testing.assert_close(discriminator(2 * one - 3 * two), 2 * discriminator(one) - 3 * discriminator(two))


def test_no_sample_sees_another() -> None:
    discriminator = R3GANDiscriminator(**SMALL)
    x = torch.randn(5, 1, 28, 28)
    torch.testing.assert_close(discriminator(x)[:2], discriminator(x[:2]))


def test_labels_are_embedded_beside_the_latents() -> None:
    """The embedding has as many dimensions as the latents, and its variance is `1/K` for K classes."""
    generator = R3GANGenerator(**SMALL, num_classes=1000, conditioning="concat", latent_dim=16)
    z, y = torch.randn(2, 16), torch.tensor([3, 999])
    beside = generator.latents(z, y)
    assert torch.equal(beside[:, :16], z)
    assert torch.equal(beside[:, 16:], generator.latents.embedding.weight[y])
    assert float(generator.latents.embedding.weight.detach().var()) == pytest.approx(1 / 1000, rel=0.05)


def test_the_projection_is_an_inner_product_alone() -> None:
    discriminator = R3GANDiscriminator(**SMALL, num_classes=3, conditioning="projection")
    h, y = torch.randn(4, 8), torch.tensor([0, 2, 1, 2])
    head = discriminator.head
    expected = torch.einsum("oi,bi,bo->b", head.linear.weight, h, head.embedding.weight[y])
    torch.testing.assert_close(head(h, y), expected)


def test_an_auxiliary_classifier_adds_class_logits() -> None:
    discriminator = R3GANDiscriminator(**SMALL, num_classes=3, conditioning="auxiliary")
    verdict = discriminator(torch.randn(2, 1, 28, 28), torch.tensor([0, 1]))
    assert isinstance(verdict, Verdict)
    assert verdict.classes is not None
    assert (verdict.logits.shape, verdict.classes.shape) == ((2,), (2, 3))


def test_what_it_does_not_take() -> None:
    with pytest.raises(UserError, match="R3GANGenerator takes conditioning none or concat, not 'mapping'"):
        R3GANGenerator(**SMALL, num_classes=3, conditioning="mapping")
