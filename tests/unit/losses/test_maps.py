"""Losses of maps of logits: what they are on the same numbers laid out flat, and over the batches of two processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from two_ranks import in_a_group

from gan_lightning.losses import (
    Hinge,
    LeastSquares,
    Minimax,
    MixedBatch,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    TopK,
    Wasserstein,
)
from gan_lightning.losses.adversarial import soft_cross_entropy
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss

DRAW = UpdateDraw(key=(0,), rank=0, world_size=1, device=torch.device("cpu"))
LOSSES = [
    *(NonSaturating(), NonSaturating(label_smoothing=0.1), Minimax(), LeastSquares(), Hinge(), Wasserstein()),
    *(Relativistic(), RelativisticAverage(), MixedBatch(), TopK(Hinge(), fraction=1.0)),
]


def maps(seed: int, batch: int = 4) -> Tensor:
    return 3 * torch.randn(batch, 1, 3, 5, generator=torch.Generator().manual_seed(seed))


def values_and_gradients(loss: AdversarialLoss, real: Tensor, fake: Tensor) -> list[Tensor]:
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    for_d = loss.discriminator(real, fake, DRAW)
    for_g = loss.generator(fake, real.detach)
    gradients = (*torch.autograd.grad(for_d, (real, fake)), *torch.autograd.grad(for_g, fake))
    return [for_d.detach(), for_g.detach(), *(gradient.flatten() for gradient in gradients)]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_map_is_as_its_numbers_laid_out_flat(loss: AdversarialLoss) -> None:
    real, fake = maps(0), maps(1)
    torch.testing.assert_close(
        values_and_gradients(loss, real, fake), values_and_gradients(loss, real.flatten(), fake.flatten())
    )


@pytest.mark.parametrize("loss", [*LOSSES, TopK(NonSaturating(), fraction=0.5)], ids=repr)
def test_a_map_of_one_logit_is_that_logit(loss: AdversarialLoss) -> None:
    real, fake = maps(0)[:, :, :1, :1], maps(1)[:, :, :1, :1]
    of_maps = values_and_gradients(loss, real, fake)
    for ours, theirs in zip(of_maps, values_and_gradients(loss, real.flatten(), fake.flatten()), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    "options", [{"label_flip": 0.5}, {"label_noise": 0.4}, {"label_flip": 0.3, "label_noise": 0.2}]
)
def test_all_patches_of_a_sample_have_its_label(options: dict[str, Any]) -> None:
    real, fake = maps(0, batch=8), maps(1, batch=8)
    loss = NonSaturating(**options)

    def targets(side: str, usual: float) -> Tensor:
        flipped = DRAW.uniform(f"label flip, {side}", (8,)) < loss.label_flip
        noise = loss.label_noise * DRAW.uniform(f"label noise, {side}", (8,))
        return torch.where(flipped, 1 - usual, usual) - noise

    expected = sum(
        soft_cross_entropy(logits.flatten(), targets(side, usual).repeat_interleave(15)).mean()
        for side, logits, usual in (("real", real, 1.0), ("fake", fake, 0.0))
    )
    torch.testing.assert_close(loss.discriminator(real, fake, DRAW), expected)


def test_top_k_keeps_whole_samples_by_their_means() -> None:
    fake = maps(1)
    fake[3, 0, 0, 0] = 20.0  # the best patch of all is in the sample whose mean is lowest
    fake[3, 0, 1] = -9.0
    best = fake.mean((1, 2, 3)).topk(2).indices
    assert 3 not in best
    value, gradient = values_and_gradients(TopK(NonSaturating(), fraction=0.5), maps(0), fake)[1::3]
    expected = torch.zeros_like(fake)
    expected[best] = -(-fake[best]).sigmoid() / (2 * 15)
    torch.testing.assert_close(gradient, expected.flatten())
    torch.testing.assert_close(value, NonSaturating().generator(fake, lambda: fake))


@pytest.mark.forks
@pytest.mark.parametrize("loss", [RelativisticAverage(), TopK(NonSaturating(), fraction=0.5)], ids=repr)
def test_maps_are_compared_over_all_processes(loss: AdversarialLoss, tmp_path: Path) -> None:
    """The average over two processes of values and gradients is that of one process with the whole batch."""
    real, fake = maps(0), maps(1)

    def half(rank: int) -> list[Tensor]:
        return values_and_gradients(loss, *(x[2 * rank : 2 * rank + 2] for x in (real, fake)))

    halves, whole = in_a_group(half, tmp_path), values_and_gradients(loss, real, fake)
    for i in range(2):
        torch.testing.assert_close((halves[0][i] + halves[1][i]) / 2, whole[i])
    for i in range(2, 5):
        torch.testing.assert_close(torch.cat([halves[0][i], halves[1][i]]) / 2, whole[i])
