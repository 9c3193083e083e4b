"""The training images nearest to samples."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_lightning.generate import nearest_images as module
from gan_lightning.generate.nearest_images import beside, nearest_images
from gan_lightning.images import grid


def pictures(count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, 4, 4), generator=random, dtype=torch.uint8)


def test_copies_are_found_at_distance_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)  # so that chunks have borders
    training = pictures(50, 0)
    indices, distances = nearest_images(training[[3, 49, 0]], training, 2)
    assert indices[:, 0].tolist() == [3, 49, 0]
    assert distances[:, 0].tolist() == [0, 0, 0]
    assert bool((distances[:, 1] > 0).all())


def test_distances_are_euclidean_over_pixels() -> None:
    samples, training = pictures(5, 1), pictures(20, 2)
    difference = samples[:, None].double() / 255 - training[None].double() / 255
    expected, order = difference.square().sum((2, 3, 4)).sqrt().sort(1)
    indices, distances = nearest_images(samples, training, 3)
    assert torch.equal(indices, order[:, :3])
    torch.testing.assert_close(distances, expected[:, :3].float(), atol=1e-6, rtol=0)


def test_other_features_mean_another_nearness() -> None:
    dark, light = torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.full((1, 3, 4, 4), 9, dtype=torch.uint8)
    sample = light.clone()
    sample[..., 0] = 200
    indices, _ = nearest_images(sample, torch.cat([dark, light]), 1, features=lambda x: x[:, :, 0, 0].float())
    assert indices.tolist() == [[1]]
    indices, _ = nearest_images(sample, torch.cat([dark, light]), 1, lambda x: -(x[:, :, 0, 1].float() - 9).abs())
    assert indices.tolist() == [[1]]


def test_each_sample_stands_before_its_neighbours() -> None:
    samples, training = pictures(2, 3), pictures(9, 4)
    indices = torch.tensor([[4, 0], [8, 1]])
    rows = beside(samples, training, indices)
    expected = [samples[0], training[4], training[0], samples[1], training[8], training[1]]
    assert torch.equal(rows, torch.stack(expected))
    assert grid(rows, 3, padding=0).shape == (3, 8, 12)
