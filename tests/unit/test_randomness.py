"""Random numbers as a function of (seed, iteration, update, purpose, rank)."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.randomness import UpdateDraw, hashed_seed, seed_default_generators
from gan_lightning.types import Draw

CPU = torch.device("cpu")


def draw(*key: int | str, rank: int = 0, world_size: int = 1) -> UpdateDraw:
    return UpdateDraw(key, rank, world_size, CPU)


def test_seeds_are_the_same_on_every_machine() -> None:
    assert hashed_seed(0, 0, "G") == 1623387325
    assert hashed_seed(5) != hashed_seed(5 + 2**32)
    assert 0 <= hashed_seed("x") < 2**32


def test_words_and_numbers_do_not_run_together() -> None:
    keys = [(1, 23), (12, 3), (123,), ("1", 23), (1, "23"), ("1", "23"), ("12", "3")]
    assert len({hashed_seed(*key) for key in keys}) == len(keys)


def test_it_is_a_draw() -> None:
    assert isinstance(draw(0), Draw)


def test_numbers_are_those_of_a_generator_made_for_them() -> None:
    """One that draws an odd number of normal numbers keeps one back, which must not reach the next draw."""
    for purpose in ("a", "b", "a"):
        fresh = torch.Generator().manual_seed(hashed_seed(0, 3, "D1", purpose))
        assert torch.equal(draw(0, 3, "D1").normal(purpose, (3, 1)), torch.randn((3, 1), generator=fresh))


@pytest.mark.parametrize("kind", ["normal", "uniform", "integers"])
def test_ranks_share_one_global_batch(kind: str) -> None:
    def numbers(rank: int, world_size: int, local: int) -> torch.Tensor:
        source = draw(0, 3, "D1", rank=rank, world_size=world_size)
        arguments = ("z", 1000, (local, 5)) if kind == "integers" else ("z", (local, 5))
        return getattr(source, kind)(*arguments)

    whole = numbers(0, 1, 8)
    assert torch.equal(torch.cat([numbers(rank, 4, 2) for rank in range(4)]), whole)
    assert torch.equal(numbers(0, 1, 8), whole)


def test_each_part_of_the_key_matters() -> None:
    draws = [draw(0, 0, "G"), draw(1, 0, "G"), draw(0, 1, "G"), draw(0, 0, "D0"), draw(0, 0, "G").named("fake")]
    numbers = [source.normal("z", (4,)) for source in draws] + [draws[0].normal("noise", (4,))]
    assert len({tuple(z.tolist()) for z in numbers}) == len(numbers)


def test_ranges() -> None:
    uniform, integers = draw(0).uniform("u", (10_000,)), draw(0).integers("i", 10, (10_000,))
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.01
    assert integers.dtype == torch.int64
    assert sorted(set(integers.tolist())) == list(range(10))
    normal = draw(0).normal("n", (10_000,))
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03


def test_drawing_leaves_the_default_generator_alone() -> None:
    before = torch.get_rng_state()
    draw(0).normal("z", (4,))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_default_generator_is_what_dropout_draws_from() -> None:
    seed_default_generators(7, CPU)
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(7)))
