"""Mixtures in the plane: where their modes are, how points spread around them, and how they reach the networks."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gan_lightning.data.sets.toy import Grid, Mixture, Ring
from gan_lightning.errors import UserError


def test_the_ring() -> None:
    centers = Ring(batch_size=1).centers
    half = math.sqrt(2)
    expected = [[2, 0], [half, half], [0, 2], [-half, half], [-2, 0], [-half, -half], [0, -2], [half, -half]]
    torch.testing.assert_close(centers, torch.tensor(expected), atol=1e-6, rtol=0)


def test_the_grid() -> None:
    centers = Grid(batch_size=1).centers
    assert sorted(centers.tolist()) == [[x, y] for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
    assert Grid(batch_size=1, side=2, spacing=3.0).centers.tolist() == [
        [-1.5, -1.5],
        [-1.5, 1.5],
        [1.5, -1.5],
        [1.5, 1.5],
    ]


@pytest.mark.parametrize("data", [Ring(batch_size=1), Grid(batch_size=1), Ring(batch_size=1, std=0.5, count=3)])
def test_points_spread_around_their_modes(data: Mixture) -> None:
    """Means and standard deviations of every mode are right within five standard errors, in both directions."""
    points, labels, names = data.train_set
    assert len(names) == len(data.centers)
    for mode, center in enumerate(data.centers):
        own = points[labels == mode].flatten(1)
        assert len(own) == pytest.approx(len(points) / len(names), abs=1)
        error = 5 * data.std / math.sqrt(len(own))
        torch.testing.assert_close(own.mean(0), center, atol=error, rtol=0)
        torch.testing.assert_close(own.std(0), torch.full((2,), data.std), atol=error, rtol=0)


def test_they_are_images_of_one_pixel() -> None:
    data = Ring(batch_size=4, num_points=80)
    data.setup("fit")
    assert data.train_set.images.shape == (80, 2, 1, 1)
    assert (data.channels, data.resolution, data.num_classes, data.num_images) == (2, 1, 8, 80)
    assert data.description() == "80 points of 8 modes"


def test_points_depend_on_their_own_seed() -> None:
    """Another seed of the run changes the order but not the points, so that runs can be compared."""
    points = Ring(batch_size=1, seed=0).train_set.images
    assert torch.equal(points, Ring(batch_size=1, seed=1).train_set.images)
    assert not torch.equal(points, Ring(batch_size=1, points_seed=1).train_set.images)


def test_batches_are_the_points_unchanged() -> None:
    """A batch is made of rows of the set, laid out [update, rank, sample], which never become bytes."""
    data = Ring(batch_size=4, n_critic=3, num_points=40)
    whole: list[torch.Tensor] = []
    for rank, world_size in ((0, 1), (0, 2), (1, 2)):
        trainer: Any = SimpleNamespace(
            lightning_module=SimpleNamespace(iteration=2),
            global_rank=rank,
            world_size=world_size,
            strategy=SimpleNamespace(root_device=torch.device("cpu")),
        )
        data.trainer = trainer
        batch = data.train_dataloader().batch(2)
        points, labels = data.on_after_batch_transfer(batch, 0)
        assert points.dtype == torch.float32
        torch.testing.assert_close(points.flatten(1), data.centers[labels], atol=6 * data.std, rtol=0)
        whole.append(points)
    both = torch.stack([part.view(3, 2, 2, 1, 1) for part in whole[1:]], dim=1)
    assert torch.equal(whole[0], both.flatten(0, 2))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Ring, {"std": 0.0}, "data.std must be more than 0, not 0.0"),
        (Ring, {"count": 0}, "data.count must be a whole number of at least 1, not 0"),
        (Ring, {"radius": -1.0}, "data.radius must be more than 0, not -1.0"),
        (Ring, {"num_points": 0}, "data.num_points must be a whole number"),
        (Ring, {"batch_size": 0}, "data.batch_size must be a whole number"),
        (Ring, {"channels": 3}, "data.channels=3, but these points have 2: leave it null"),
        (Ring, {"num_classes": 10}, "data.num_classes=10, but these points have 8"),
        (Grid, {"resolution": 28}, "data.resolution=28, but these points have 1"),
        (Grid, {"side": 0}, "data.side must be a whole number"),
        (Grid, {"spacing": 0.0}, "data.spacing must be more than 0, not 0.0"),
    ],
)
def test_wrong_options_are_refused_at_the_door(kind: type[Mixture], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        kind(**{"batch_size": 4} | options)
