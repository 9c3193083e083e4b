"""Losses that couple the samples of a batch: averages over two processes are the values and gradients of one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from gan_lightning.losses import Dragan, NonSaturating, RelativisticAverage, TopK
from gan_lightning.parallel.collectives import gathered, global_mean, own_part
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import DiscriminatorUpdate, Verdict

WORLD_SIZE = 2
REAL = torch.linspace(-2, 1.5, 24, dtype=torch.float64).reshape(6, 1, 2, 2)
FAKE = torch.linspace(2.5, -1, 24, dtype=torch.float64).reshape(6, 1, 2, 2).square()


def values_and_gradients(real: Tensor, fake: Tensor, rank: int, world_size: int) -> Tensor:
    """Losses of a critic with a single parameter w, followed by their derivatives by w."""
    w = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    draw = UpdateDraw(key=(0,), rank=rank, world_size=world_size, device=torch.device("cpu"))

    def critic(x: Tensor) -> Tensor:
        return w * x.flatten(1).square().sum(1)

    update = DiscriminatorUpdate(
        real=real,
        fake=fake,
        labels=None,
        real_verdict=Verdict(critic(real)),
        fake_verdict=Verdict(critic(fake)),
        critic=critic,
        draw=draw,
    )
    losses = [
        RelativisticAverage().discriminator(critic(real), critic(fake), draw),
        RelativisticAverage().generator(critic(fake), lambda: critic(real)),
        Dragan()(update),
        TopK(NonSaturating(), fraction=0.5).generator(critic(fake), lambda: critic(real)),
        global_mean(critic(real)) ** 2,
    ]
    gradients = [torch.autograd.grad(loss, w)[0] for loss in losses]
    return torch.stack([*losses, *gradients]).detach()


def on_rank(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=WORLD_SIZE)
    average = values_and_gradients(REAL.chunk(WORLD_SIZE)[rank], FAKE.chunk(WORLD_SIZE)[rank], rank, WORLD_SIZE)
    dist.all_reduce(average)
    torch.save(average / WORLD_SIZE, f"{folder}/{rank}.pt")
    half = FAKE.chunk(WORLD_SIZE, dim=2)[rank]
    assert torch.equal(gathered(half, dim=2), FAKE)
    assert torch.equal(own_part(FAKE, dim=2), half)
    dist.destroy_process_group()


@pytest.mark.forks
def test_two_processes_equal_one_with_the_whole_batch(tmp_path: Path) -> None:
    mp.start_processes(on_rank, args=(str(tmp_path),), nprocs=WORLD_SIZE, start_method="fork")
    expected = values_and_gradients(REAL, FAKE, rank=0, world_size=1)
    for rank in range(WORLD_SIZE):
        actual = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(actual, expected, atol=1e-10, rtol=0)


def test_in_one_process_it_is_the_mean() -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    mean = global_mean(x)
    mean.backward()
    assert mean.item() == 2.5
    torch.testing.assert_close(x.grad, torch.full((2, 3), 1 / 6))


def test_in_one_process_nothing_is_joined_or_cut() -> None:
    x = torch.arange(6.0, requires_grad=True)
    assert torch.equal(gathered(x), x)
    assert not gathered(x).requires_grad
    assert own_part(x) is x
