"""The stream of real images: it has no gap and no state, and is the same for any number of processes."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch

from gan_lightning.data.loader import EndlessOrder, StreamLoader, permutation


def stream(size: int = 30, **options: Any) -> StreamLoader:
    """A loader over ``size`` images of 1 x 2 pixels whose left pixel and label are the image's index."""
    images = torch.zeros(size, 1, 1, 2, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(size)
    defaults: dict[str, Any] = {
        "batch_size": 4,
        "n_critic": 1,
        "iterations_per_epoch": 8,
        "first_iteration": lambda: 0,
        "seed": 0,
    }
    order = EndlessOrder(size, defaults["seed"])
    return StreamLoader(images=images, labels=torch.arange(size), order=order, **{**defaults, **options})


def drawn(loader: StreamLoader, iterations: int) -> list[int]:
    """The indices of the images of the next iterations."""
    return torch.cat([labels for _, labels in islice(loader, iterations)]).tolist()


@pytest.mark.parametrize("size", [30, 32, 3, 1])
def test_the_stream_is_one_permutation_after_another(size: int) -> None:
    """This holds across epoch borders too, and if the whole data set is smaller than one batch."""
    seen = drawn(stream(size), 24)
    epochs = [permutation(size, 0, epoch) for epoch in range(len(seen) // size + 1)]
    assert seen == torch.cat(epochs)[: len(seen)].tolist()


def test_each_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    seen = drawn(stream(30), 15)
    assert sorted(seen[:30]) == sorted(seen[30:]) == list(range(30))
    assert seen[:30] != seen[30:]


def test_another_seed_is_another_order() -> None:
    assert permutation(30, 0, 0).tolist() != permutation(30, 1, 0).tolist()


def test_the_order_of_seed_0_is_what_it_was() -> None:
    """If this order changed, no earlier run could be repeated."""
    assert permutation(8, 0, 0).tolist() == [5, 7, 4, 3, 1, 6, 0, 2]


def test_images_go_with_their_labels() -> None:
    images, labels = stream().batch(5)
    assert images[:, 0, 0, 0].tolist() == labels.tolist()
    assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)


@pytest.mark.parametrize("start", [1, 7, 8, 100])
def test_it_starts_anywhere(start: int) -> None:
    resumed = drawn(stream(first_iteration=lambda: start), 10)
    assert resumed == drawn(stream(), start + 10)[4 * start :]


def test_each_pass_asks_where_to_start() -> None:
    iteration = 0
    loader = stream(first_iteration=lambda: iteration)
    first = drawn(loader, 3)
    iteration = 3
    assert first + drawn(loader, 3) == drawn(stream(), 6)


def test_it_has_a_length_but_no_end() -> None:
    loader = stream(iterations_per_epoch=8)
    assert len(loader) == 8
    assert len(drawn(loader, 20)) == 20 * 4


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_together_draw_what_one_process_draws(world_size: int) -> None:
    alone = stream(n_critic=3, flip=True)
    ranks = [stream(n_critic=3, flip=True, rank=rank, world_size=world_size) for rank in range(world_size)]
    for iteration in (0, 2, 11):
        images, labels = zip(*(loader.batch(iteration) for loader in ranks), strict=True)
        shares = [part.view(3, -1, 1, 1, 2) for part in images]  # [update, sample, C, H, W] of each rank
        expected_images, expected_labels = alone.batch(iteration)
        assert torch.equal(torch.cat(shares, 1).flatten(0, 1), expected_images)
        assert torch.equal(torch.cat([part.view(3, -1) for part in labels], 1).flatten(), expected_labels)


def test_n_critic_updates_are_consecutive_batches() -> None:
    assert drawn(stream(n_critic=3), 2) == drawn(stream(), 6)


def test_flip_mirrors_half_of_the_images() -> None:
    """The index is in the left pixel and 0 in the right one; in a mirrored image it is the other way round."""
    loader = stream(size=256, batch_size=256, flip=True)
    images, labels = loader.batch(0)
    left, right = images[:, 0, 0, 0], images[:, 0, 0, 1]
    assert torch.equal((left + right).long(), labels)
    mirrored = int((right > 0).sum())
    assert 104 <= mirrored <= 152  # 128 and 3 standard deviations of 8


def test_flips_differ_by_iteration_and_repeat() -> None:
    loader = stream(size=1, batch_size=64, flip=True)
    loader.images[0, 0, 0, 0] = 9
    first, second = loader.batch(0)[0], loader.batch(1)[0]
    assert not torch.equal(first, second)
    assert torch.equal(first, loader.batch(0)[0])


def test_the_set_itself_is_never_flipped() -> None:
    loader = stream(flip=True)
    before = loader.images.clone()
    drawn(loader, 8)
    assert torch.equal(loader.images, before)


def test_at_most_two_permutations_are_kept() -> None:
    order = EndlessOrder(3, 0)
    order.between(0, 300)
    assert order._permutation.cache_info().currsize == 2
