"""Batches of two domains: pairs stay pairs, crops show where they are, ranks share out what one process draws."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_lightning.data.loader import EndlessOrder
from gan_lightning.data.translation.loader import SideStream, TranslationBatch, TwoSidedLoader

HEIGHT, WIDTH = 6, 9


def coordinates(count: int, domain: int) -> Tensor:
    """Images of four channels: the index, the row, the column, and which domain it is."""
    images = torch.zeros(count, 4, HEIGHT, WIDTH, dtype=torch.uint8)
    images[:, 0] = torch.arange(count)[:, None, None]
    images[:, 1] = torch.arange(HEIGHT)[:, None]
    images[:, 2] = torch.arange(WIDTH)
    images[:, 3] = domain
    return images


def side(count: int, domain: int, order: EndlessOrder, views: str) -> SideStream:
    return SideStream(coordinates(count, domain), torch.arange(count), order, views)


def loader(paired: bool = True, sizes: tuple[int, int] = (30, 30), **options: Any) -> TwoSidedLoader:
    defaults: dict[str, Any] = {
        **{"batch_size": 4, "n_critic": 1, "iterations_per_epoch": 8, "first_iteration": lambda: 0},
        **{"seed": 0, "size": (4, 5), "flip": True},
    }
    orders = [EndlessOrder(sizes[0], 0)] * 2 if paired else [EndlessOrder(sizes[0], 1), EndlessOrder(sizes[1], 2)]
    names = ("pair", "pair") if paired else ("a", "b")
    a, b = (side(n, i, order, name) for i, (n, order, name) in enumerate(zip(sizes, orders, names, strict=True)))
    return TwoSidedLoader(a=a, b=b, **{**defaults, **options})


def views(images: Tensor) -> list[tuple[int, int, bool]]:
    """First row, first column and whether it is mirrored, read from the pixels of each image."""
    found = []
    for image in images.long():
        rows, columns = image[1, :, 0], image[2, 0]
        step = int(columns[1] - columns[0])
        assert torch.equal(image[1], rows[:, None].expand_as(image[1]))
        assert torch.equal(rows, rows[0] + torch.arange(len(rows)))
        assert torch.equal(columns, columns[0] + step * torch.arange(len(columns)))
        found.append((int(rows[0]), int(columns.min()), step < 0))
    return found


@pytest.mark.parametrize(
    "options", [{}, {"flip": False}, {"size": (6, 9)}, {"size": (6, 5)}, {"n_critic": 3}], ids=repr
)
def test_both_sides_of_a_pair_show_the_same_part_of_the_same_image(options: dict[str, Any]) -> None:
    for batch in islice(loader(**options), 12):
        assert torch.equal(batch.a[:, :3], batch.b[:, :3])
        assert ((batch.a[:, 3] == 0) & (batch.b[:, 3] == 1)).all()
        assert torch.equal(batch.a[:, 0, 0, 0].long(), batch.labels_a)
        assert torch.equal(batch.labels_a, batch.labels_b)


def test_every_crop_and_either_flip_occur_and_equally_often() -> None:
    seen = [view for batch in islice(loader(batch_size=30), 100) for view in views(batch.a)]
    tops, lefts, mirrored = (torch.tensor(each) for each in zip(*seen, strict=True))
    for values, choices in ((tops, 3), (lefts, 5), (mirrored.long(), 2)):
        shares = torch.bincount(values, minlength=choices) / len(values)
        assert len(shares) == choices
        assert (shares - 1 / choices).abs().max() < 4 * (0.25 / len(values)) ** 0.5


def test_without_flip_or_spare_pixels_images_are_as_they_are() -> None:
    plain = loader(flip=False, size=(HEIGHT, WIDTH))
    batch = plain.batch(5)
    assert torch.equal(batch.a, plain.a.images[batch.labels_a])
    assert torch.equal(batch.b, plain.b.images[batch.labels_b])


def test_flips_do_not_depend_on_crops_nor_crops_on_flips() -> None:
    cropped = [view[:2] for view in views(loader(flip=False).batch(3).a)]
    both = views(loader().batch(3).a)
    assert [view[:2] for view in both] == cropped
    assert {view[2] for batch in islice(loader(), 3) for view in views(batch.a)} == {True, False}


def test_domains_have_orders_and_views_of_their_own() -> None:
    unpaired = loader(paired=False, batch_size=30)
    batch = unpaired.batch(0)
    assert batch.labels_a.tolist() != batch.labels_b.tolist()
    assert views(batch.a) != views(batch.b)


@pytest.mark.parametrize("sizes", [(7, 30), (30, 7), (3, 1)])
def test_each_domain_is_an_endless_stream_of_its_own(sizes: tuple[int, int]) -> None:
    """The shorter one starts again while the longer one goes on; no image is shown twice before all were shown."""
    batches = list(islice(loader(paired=False, sizes=sizes), 30))
    shown = (torch.cat([batch.labels_a for batch in batches]), torch.cat([batch.labels_b for batch in batches]))
    for count, seen in zip(sizes, shown, strict=True):
        for epoch in seen[: len(seen) // count * count].view(-1, count):
            assert sorted(epoch.tolist()) == list(range(count))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_together_draw_what_one_process_draws(world_size: int, paired: bool) -> None:
    options: dict[str, Any] = {"n_critic": 3, "paired": paired, "sizes": (30, 30) if paired else (30, 11)}
    alone = loader(**options)
    ranks = [loader(**options, rank=rank, world_size=world_size) for rank in range(world_size)]
    for iteration in (0, 2, 11):
        expected = alone.batch(iteration)
        parts = [each.batch(iteration) for each in ranks]
        for whole, shares in zip(expected, zip(*parts, strict=True), strict=True):
            by_update = [share.view(3, -1, *share.shape[1:]) for share in shares]
            assert torch.equal(torch.cat(by_update, 1).flatten(0, 1), whole)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("start", [1, 7, 8, 100])
def test_it_goes_on_at_any_iteration(start: int, paired: bool) -> None:
    resumed = next(iter(loader(paired, first_iteration=lambda: start)))
    for ours, theirs in zip(resumed, list(islice(loader(paired), start + 1))[-1], strict=True):
        assert torch.equal(ours, theirs)


def test_another_seed_is_another_view() -> None:
    assert views(loader(seed=0, batch_size=30).batch(0).a) != views(loader(seed=1, batch_size=30).batch(0).a)


def test_the_first_batch_of_seed_0_is_what_it_was() -> None:
    """A change here would make every earlier run impossible to repeat."""
    batch = loader().batch(0)
    assert batch.labels_a.tolist() == [11, 15, 26, 28]
    assert views(batch.a) == [(2, 3, True), (2, 2, True), (1, 2, False), (2, 1, False)]
    unpaired = loader(paired=False).batch(0)
    assert views(unpaired.a) == [(2, 1, True), (0, 2, True), (1, 2, False), (1, 2, False)]
    assert views(unpaired.b) == [(0, 3, False), (0, 4, False), (1, 4, True), (1, 2, False)]


def test_the_sets_themselves_are_never_changed() -> None:
    stream = loader()
    before = stream.a.images.clone(), stream.b.images.clone()
    for batch in islice(stream, 5):
        batch.a.zero_()
        batch.b.zero_()
    assert torch.equal(stream.a.images, before[0])
    assert torch.equal(stream.b.images, before[1])


def test_every_batch_is_full_and_of_bytes() -> None:
    stream = loader(paired=False, sizes=(5, 3), batch_size=8, n_critic=2)
    for batch in islice(stream, 3):
        assert isinstance(batch, TranslationBatch)
        assert batch.a.shape == batch.b.shape == (16, 4, 4, 5)
        assert batch.a.dtype == torch.uint8
        assert batch.labels_a.shape == batch.labels_b.shape == (16,)
