"""The generator of points: its sizes, its shapes, and that nothing bounds its output."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.networks import MLPDiscriminator, PointGenerator


def test_it_has_the_sizes_of_its_layers() -> None:
    """A layer has (fan-in + 1) fan-out parameters, because each output has a bias."""
    generator = PointGenerator(channels=2, resolution=1, latent_dim=3, widths=[8, 6])
    assert sum(p.numel() for p in generator.parameters()) == 4 * 8 + 9 * 6 + 7 * 2


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_shapes(norm: str) -> None:
    generator = PointGenerator(channels=2, resolution=1, norm=norm)
    discriminator = MLPDiscriminator(channels=2, resolution=1, widths=[8], dropout=0.0)
    points = generator(torch.randn(5, 2))
    assert points.shape == (5, 2, 1, 1)
    assert discriminator(points).shape == (5,)


def test_the_output_is_linear() -> None:
    """ReLU layers without biases are homogeneous: 1000 times the latents give 1000 times the points."""
    generator = PointGenerator(channels=2, resolution=1)
    for name, parameter in generator.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    z = torch.randn(16, 2)
    torch.testing.assert_close(generator(1000 * z), 1000 * generator(z), rtol=1e-4, atol=1e-3)
    assert generator(1000 * z).abs().max() > 10
