"""Networks from images to images: published counts layer by layer, sizes that fit, and skips that reach across."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.networks import ResidualTranslator, UNet
from gan_lightning.networks.base import require_multiple
from gan_lightning.networks.unet import halvings


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def unet(resolution: Any = 16, **options: Any) -> UNet:
    return UNet(**{"in_channels": 1, "out_channels": 3, "resolution": resolution, "width": 2, **options})


def residual(resolution: Any = 16, **options: Any) -> ResidualTranslator:
    return ResidualTranslator(
        **{"in_channels": 1, "out_channels": 3, "resolution": resolution, "width": 2, "blocks": 2, **options}
    )


def convolution(side: int, width_in: int, width_out: int, bias: bool) -> int:
    return side**2 * width_in * width_out + (width_out if bias else 0)


def test_the_count_of_the_unet_at_256_pixels() -> None:
    """C64-C128-C256-C512 five times, back with the skips beside; a batch norm has a gain and a bias, and none before.

    The encoder's first and last layer and the output layer have no norm, and only the last of these a bias.
    """
    encoder = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512), (512, 512)]
    decoder = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    expected = sum(convolution(4, a, b, bias=False) for a, b in encoder + decoder)
    expected += convolution(4, 128, 3, bias=True)
    expected += sum(2 * b for _, b in encoder[1:-1] + decoder)
    assert expected == 54_413_955
    with torch.device("meta"):
        assert size(UNet(in_channels=3, out_channels=3, resolution=256)) == expected


@pytest.mark.parametrize(("blocks", "expected"), [(9, 11_378_179), (6, 7_837_699)])
def test_the_count_of_the_residual_generator(blocks: int, expected: int) -> None:
    """c7s1-64, d128, d256, R256, u128, u64, c7s1-3, each with a bias, because its norm has no parameters."""
    layers = [(7, 3, 64), (3, 64, 128), (3, 128, 256), *[(3, 256, 256)] * 2 * blocks]
    layers += [(3, 256, 128), (3, 128, 64), (7, 64, 3)]
    assert sum(convolution(*layer, bias=True) for layer in layers) == expected
    with torch.device("meta"):
        assert size(ResidualTranslator(in_channels=3, out_channels=3, resolution=256, blocks=blocks)) == expected


def test_the_other_norm_moves_the_biases() -> None:
    with torch.device("meta"):
        plain = UNet(in_channels=3, out_channels=3, resolution=256, norm="instance")
        batch = ResidualTranslator(in_channels=3, out_channels=3, resolution=256, norm="batch")
    encoder, decoder = [64, 128, 256, *[512] * 5], [512, 512, 512, 512, 256, 128, 64]
    norms = 2 * sum(encoder[1:-1] + decoder)
    assert size(plain) == 54_413_955 - norms + sum(encoder + decoder)
    widths = [64, 128, 256, *[256] * 18, 128, 64]
    assert size(batch) == 11_378_179 + sum(widths)  # two for each channel in place of one


@pytest.mark.parametrize(
    ("resolution", "expected"), [(256, 8), (512, 8), (32, 5), (28, 2), ((256, 96), 5), ((36, 64), 2), ([8, 4], 2)]
)
def test_the_depth_follows_from_the_resolution(resolution: Any, expected: int) -> None:
    assert halvings(resolution) == expected
    with torch.device("meta"):
        network = unet(resolution)
    assert (len(network.encoder), len(network.decoder), network.multiple_of) == (expected, expected, 2**expected)


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("shape", [(16, 16), (8, 24), (28, 12)])
@pytest.mark.parametrize("make", [unet, residual])
def test_shapes(make: Any, shape: tuple[int, int], norm: str) -> None:
    network = make(shape, norm=norm)
    for batch in (1, 2):
        images = network(torch.randn(batch, 1, *shape))
        assert images.shape == (batch, 3, *shape)
        assert images.abs().max() <= 1


@pytest.mark.parametrize("make", [unet, residual])
def test_it_can_be_exported_for_all_sizes_that_fit(make: Any) -> None:
    network = make(16, norm="instance").eval()
    multiple = network.multiple_of
    sides = {2: multiple * torch.export.Dim("h", min=2, max=64), 3: multiple * torch.export.Dim("w", min=2, max=64)}
    program = torch.export.export(network, (torch.zeros(1, 1, 2 * multiple, 3 * multiple),), dynamic_shapes=(sides,))
    for height, width in ((2, 2), (3, 5), (4, 2)):
        x = torch.randn(1, 1, height * multiple, width * multiple)
        torch.testing.assert_close(program.module()(x), network(x))


@pytest.mark.parametrize("make", [unet, residual])
def test_it_takes_images_of_other_sizes_than_it_was_made_for(make: Any) -> None:
    network = make(16)
    height, width = 3 * network.multiple_of, 2 * network.multiple_of
    assert network(torch.zeros(1, 1, height, width)).shape == (1, 3, height, width)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: unet(15), "15 x 15 pixels.*multiple of 4 and at least 4 .*in place of 15 take 12 or 16"),
        (lambda: unet((64, 50)), "64 x 50 pixels.*in place of 50 take 48 or 52"),
        (lambda: unet(15, depth=1), "multiple of 2 and at least 2 .*in place of 15 take 14 or 16"),
        (lambda: unet((16, 20), depth=3), "16 x 20 pixels.*multiple of 8 .*in place of 20 take 16 or 24"),
        (lambda: unet(16, depth=5), "multiple of 32 and at least 32 .* in place of 16 take 32"),
        (lambda: residual((18, 16)), "multiple of 4 and at least 8 .* in place of 18 take 16 or 20"),
        (lambda: residual(4), "in place of 4 take 8"),
        (lambda: unet(0), "0 must be a whole number of pixels"),
        (lambda: unet([16, 16, 16]), "a height and a width"),
        (lambda: unet(16, depth=0), "depth=0"),
        (lambda: unet(16, dropout=1.0), "dropout=1.0"),
        (lambda: unet(16, norm="layer"), "'layer' here: choose one of batch, instance, none"),
        (lambda: residual(16, blocks=0), "blocks=0"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_sizes_that_fit_come_back_as_height_and_width() -> None:
    assert require_multiple(24, 8, 8) == (24, 24)
    assert require_multiple([8, 32], 8, 8) == (8, 32)


def test_weights_start_as_the_papers_do() -> None:
    network = UNet(in_channels=3, out_channels=3, resolution=32, width=16)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 10_000:
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)
            assert abs(module.weight.mean().item()) < 1e-3
    gains = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)])
    assert gains.mean().item() == pytest.approx(1, abs=0.005)
    assert gains.std().item() == pytest.approx(0.02, rel=0.15)


def test_every_map_of_the_encoder_reaches_the_decoder() -> None:
    """With the innermost layer silenced, the output still depends on the image, through each skip by itself."""
    network = unet(16, norm="none", dropout=0.0).double()
    x = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    for level in range(len(network.encoder) - 1):
        before = network(x)
        handle = network.encoder[level].register_forward_hook(lambda m, i, o: o + 1)
        assert not torch.equal(network(x), before)
        handle.remove()
    widths = [layer[1].in_channels for layer in network.decoder]
    assert widths == [16, 2 * 8, 2 * 4, 2 * 2]  # of the smallest map alone, then with as many beside


def test_dropout_acts_in_the_first_three_layers_of_the_decoder() -> None:
    drops = [[m.p for m in layer if hasattr(m, "p")] for layer in unet(256).decoder]
    assert drops == [[0.5], [0.5], [0.5], [], [], [], [], []]


@pytest.mark.parametrize("in_eval", [False, True])
def test_dropout_in_evaluation_mode_is_a_choice(in_eval: bool) -> None:
    network = unet(16, norm="none", dropout_in_eval=in_eval).eval()
    for parameter in network.parameters():
        parameter.data *= 20  # so that what is dropped is seen
    x = torch.randn(1, 1, 16, 16)
    assert torch.equal(network(x), network(x)) is not in_eval
    network.train()
    assert not torch.equal(network(x), network(x))


def test_features_are_the_encoders_maps() -> None:
    network = residual(16, blocks=3)
    x = torch.randn(2, 1, 16, 16)
    maps = network.features(x, [0, 1, 2, 3, 4, 6])
    assert [tuple(each.shape[1:]) for each in maps] == [
        *[(1, 16, 16), (2, 16, 16), (4, 8, 8), (8, 4, 4), (8, 4, 4), (8, 4, 4)]
    ]
    assert torch.equal(maps[0], x)
    assert torch.equal(network.decoder(maps[-1]), network(x))
    assert torch.equal(maps[4], network.encoder[3](maps[3]))


def test_what_comes_after_the_last_feature_is_not_computed() -> None:
    network = residual(16)
    network.encoder[3].register_forward_hook(lambda *_: pytest.fail("computed"))
    assert len(network.features(torch.zeros(1, 1, 16, 16), [0, 3])) == 2


def test_a_block_of_zeros_is_the_identity() -> None:
    block = residual(16).encoder[3]
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 8, 4, 4)
    assert torch.equal(block(x), x)


def test_the_border_is_reflected() -> None:
    """A constant image stays constant in the first layer, which zeros around it would not allow."""
    network = residual(16, norm="none")
    maps = network.features(torch.full((1, 1, 16, 16), 0.5), [1])[0]
    torch.testing.assert_close(maps, maps[:, :, :1, :1].expand_as(maps))
