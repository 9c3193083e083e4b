"""Past fakes: when they are shown, that rows stay rows, and the same on any number of processes."""

from __future__ import annotations

from pathlib import Path

import games
import pytest
import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.games.image_pool import ImagePool
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import Draw, GeneratorUpdate

BATCH = 6


def numbered(update: int) -> Tensor:
    """Fakes whose pixels say in which update and row they were made."""
    return (100 * update + torch.arange(float(BATCH)))[:, None, None, None].expand(BATCH, 1, 2, 2)


def draw(update: int, rank: int = 0, world_size: int = 1) -> UpdateDraw:
    return UpdateDraw((1, update, "history"), rank, world_size, torch.device("cpu"))


def shown(pool: ImagePool, updates: int, rank: int = 0, world_size: int = 1) -> Tensor:
    """What D sees of this process's rows: [updates B]."""
    seen = [pool(numbered(t).chunk(world_size)[rank], draw(t, rank, world_size)) for t in range(updates)]
    return torch.stack(seen)[:, :, 0, 0, 0]


def test_without_a_pool_fakes_stay_as_they_are() -> None:
    pool = ImagePool()
    assert pool(fake := numbered(0), draw(0)) is fake
    assert pool.state_dict() == {}


def test_it_fills_before_it_gives_and_then_gives_half() -> None:
    seen = shown(ImagePool(updates=4), 400)
    fresh = torch.stack([numbered(t)[:, 0, 0, 0] for t in range(400)])
    assert torch.equal(seen[:4], fresh[:4])
    assert float((seen[4:] == fresh[4:]).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert torch.equal(seen % 100, fresh % 100)  # each row from its own pool
    assert bool((seen <= fresh).all())  # nothing from the future


def test_a_past_fake_is_shown_twice_at_most() -> None:
    """When made, or while the pool filled, and when it leaves its place."""
    seen = shown(ImagePool(updates=4), 200)
    _, times = seen.unique(return_counts=True)
    assert int(times.max()) <= 2


def test_two_processes_see_what_one_does() -> None:
    parts = [shown(ImagePool(updates=3), 30, rank, 2) for rank in range(2)]
    assert torch.equal(torch.cat(parts, dim=1), shown(ImagePool(updates=3), 30))


def test_its_state_is_resumed(tmp_path: Path) -> None:
    def new(updates: int = 3) -> GAN:
        return games.game(image_pool=ImagePool(updates), n_critic=2)

    games.fit(whole := new(), 7)
    games.fit(new(), 3).save_checkpoint(tmp_path / "run.ckpt")
    games.fit(resumed := new(), 7, checkpoint=tmp_path / "run.ckpt")
    assert games.largest_difference(games.weights(whole), games.weights(resumed)) == 0.0
    games.fit(plain := new(0), 7)
    assert games.largest_difference(games.weights(whole), games.weights(plain)) > 0.0


def test_g_learns_from_fresh_fakes_alone() -> None:
    made: list[Tensor] = []
    learnt_from: list[Tensor] = []

    class Watched(ImagePool):
        def __call__(self, fake: Tensor, draw: Draw) -> Tensor:
            made.append(fake)
            return super().__call__(fake, draw)

    def watch(update: GeneratorUpdate) -> Tensor:
        learnt_from.append(update.fake.detach())
        return update.verdict.logits.sum() * 0

    games.fit(games.game(image_pool=Watched(1), reuse_fakes=True, generator_terms={"watch": watch}), 4)
    assert len(made) == 4
    assert all(torch.equal(fresh, used) for fresh, used in zip(made, learnt_from, strict=True))


def test_a_pool_of_another_size_starts_anew() -> None:
    old = ImagePool(updates=2)
    shown(old, 3)
    new = ImagePool(updates=3)
    new.load_state_dict(old.state_dict())
    assert new.state_dict() == {}


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(UserError, match="updates is -1"):
        ImagePool(updates=-1)


def test_a_size_in_images_is_shared_out_among_the_rows() -> None:
    """14 images over 6 rows: three for the first two, two for the others; the first 14 fakes pass."""
    pool = ImagePool(images=14)
    seen = shown(pool, 400)
    fresh = torch.stack([numbered(t)[:, 0, 0, 0] for t in range(400)])
    assert torch.equal(seen.flatten()[:14], fresh.flatten()[:14])
    assert torch.equal(seen % 100, fresh % 100)
    assert float((seen[3:] == fresh[3:]).float().mean()) == pytest.approx(0.5, abs=0.03)
    kept = (pool.state_dict()["past"][:, :, 0, 0, 0] > 0).sum(0)
    assert kept.tolist() == [3, 3, 2, 2, 2, 2]


def test_a_pool_of_fewer_images_than_rows_leaves_rows_alone() -> None:
    seen = shown(ImagePool(images=4), 50)
    fresh = torch.stack([numbered(t)[:, 0, 0, 0] for t in range(50)])
    assert torch.equal(seen[:, 4:], fresh[:, 4:])
    assert not torch.equal(seen[:, :4], fresh[:, :4])


def test_a_pool_of_other_fakes_starts_anew() -> None:
    """A run that goes on with another batch size or another number of images."""
    old = ImagePool(images=12)
    shown(old, 3)
    other = ImagePool(images=13)
    other.load_state_dict(old.state_dict())
    assert other.state_dict() == {}
    same = ImagePool(images=12)
    same.load_state_dict(old.state_dict())
    half = numbered(5)[:3]
    assert torch.equal(same(half, draw(5)), half)
    assert same.state_dict()["past"].shape == (4, 3, 1, 2, 2)


def test_two_sizes_are_refused() -> None:
    with pytest.raises(UserError, match="give one"):
        ImagePool(updates=1, images=1)
