"""Two processes under GANStrategy: they equal one process with the whole batch, and send no more than they must."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import games
import pytest
import torch
import torch.distributed as dist
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.nn import BatchNorm1d
from two_ranks import RANKS, both_ranks, in_a_group, store_in

from gan_lightning.games.clipping import GradientClip
from gan_lightning.games.gan import GAN
from gan_lightning.losses import R1, RelativisticAverage, Wasserstein
from gan_lightning.parallel import strategy as strategy_module
from gan_lightning.parallel.strategy import GANStrategy, average_gradients
from gan_lightning.randomness import UpdateDraw

pytestmark = pytest.mark.forks


class Traffic(Callback):
    """Counts the elements that ``all_reduce`` moves in each iteration."""

    def __init__(self) -> None:
        self.elements: list[int] = []
        self._original = dist.all_reduce

    def on_train_batch_start(self, *_: Any) -> None:
        self.elements.append(0)
        dist.all_reduce = self._counted

    def on_train_batch_end(self, *_: Any) -> None:
        dist.all_reduce = self._original

    def _counted(self, tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        self.elements[-1] += tensor.numel()
        return self._original(tensor, *args, **kwargs)


def trained(make: Callable[[], GAN], steps: int, folder: Path) -> list[dict[str, Any]]:
    """Weights and traffic of both ranks after training one game together, at a global batch of 64."""

    def train(rank: int) -> dict[str, Any]:
        module, traffic = make(), Traffic()
        with torch.no_grad():
            module.generator.layers[0].weight.add_(rank)  # whatever their own are, all must start from rank 0's
        strategy = GANStrategy(store=store_in(folder))
        games.fit(module, steps, batch_size=64, callbacks=[traffic], devices=RANKS, strategy=strategy)
        return {"weights": games.weights(module), "traffic": traffic.elements, "world": module.trainer.world_size}

    return both_ranks(train, folder)


def plain() -> GAN:
    """A game that does not couple the samples of a batch, with SGD, which unlike Adam does not amplify rounding."""
    return games.game(optimizer=games.SGD)


def relativistic() -> GAN:
    """A game whose loss couples samples, with a lazy R1, two D updates and gradient clipping."""
    return games.game(
        optimizer=games.SGD,
        loss=RelativisticAverage(),
        penalties={"r1": R1(gamma=1.0, interval=2)},
        n_critic=2,
        clip=GradientClip(norm=0.5),
    )


@pytest.mark.parametrize("make", [plain, relativistic])
def test_two_processes_equal_one_with_the_whole_batch(make: Callable[[], GAN], tmp_path: Path) -> None:
    games.fit(alone := make(), 20, batch_size=64)
    first, second = trained(make, 20, tmp_path)
    assert first["world"] == RANKS
    assert games.largest_difference(first["weights"], second["weights"]) == 0.0
    assert games.largest_difference(first["weights"], games.weights(alone)) < 1e-6


def stateful() -> GAN:
    """A game with batch norm in both networks, dropout, Adam, EMA, a lazy penalty and two D updates."""
    return games.game(
        games.Generator(norm=BatchNorm1d),
        games.Discriminator(dropout=0.3, norm=BatchNorm1d),
        penalties={"r1": R1(interval=2)},
        n_critic=2,
    )


def test_the_ranks_are_equal_and_send_what_they_must(tmp_path: Path) -> None:
    first, second = trained(stateful, 10, tmp_path)
    assert games.largest_difference(first["weights"], second["weights"]) == 0.0
    module = stateful()
    g, d = list(module.generator.parameters()), list(module.discriminator.parameters())
    statistics = [b for net in (module.generator, module.discriminator) for b in net.buffers() if b.is_floating_point()]
    assert len(statistics) == 4
    elements = sum(p.numel() for p in g) + 2 * sum(p.numel() for p in d) + sum(b.numel() for b in statistics)
    marks = len(g) + 2 * len(d)
    assert first["traffic"] == [elements + marks] * 10


def test_without_the_reduction_the_ranks_drift_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy_module, "average_gradients", lambda *_: None)
    first, second = trained(plain, 20, tmp_path)
    assert games.largest_difference(first["weights"], second["weights"]) > 1e-3


class Branches(games.Discriminator):
    """A discriminator with one layer that only rank 0 uses, and one that no rank uses."""

    def __init__(self) -> None:
        super().__init__()
        self.now_and_then = nn.Linear(games.PIXELS**2, 1)
        self.never = nn.Linear(games.PIXELS**2, 1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        logits = super().forward(x)
        return logits + self.now_and_then(x.flatten(1)).squeeze(1) if dist.get_rank() == 0 else logits


def test_a_gradient_that_one_rank_lacks_is_shared_and_one_that_all_lack_stays_none(tmp_path: Path) -> None:
    before = games.weights(Branches())
    first, second = trained(lambda: games.game(discriminator=Branches(), loss=Wasserstein()), 5, tmp_path)
    assert games.largest_difference(first["weights"], second["weights"]) == 0.0
    after = first["weights"]
    assert torch.equal(after["discriminator.never.weight"], before["never.weight"])
    assert not torch.equal(after["discriminator.now_and_then.weight"], before["now_and_then.weight"])


def test_the_mean_of_gradients(tmp_path: Path) -> None:
    def average(rank: int) -> list[Any]:
        parameters = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
        statistic = torch.tensor([float(rank)], dtype=torch.float64)
        parameters[0].grad = torch.tensor([1.0, 2.0]) * (rank + 1)
        if rank == 1:
            parameters[1].grad = torch.tensor([4.0, 0.0])
        average_gradients(parameters, [statistic])
        return [*(p.grad if p.grad is None else p.grad.tolist() for p in parameters), statistic.item()]

    assert in_a_group(average, tmp_path) == [[[1.5, 3.0], [2.0, 0.0], None, 0.5]] * 2


def test_an_overflow_on_one_rank_reaches_all(tmp_path: Path) -> None:
    """If every rank sees the overflow, every gradient scaler skips the same step."""

    def average(rank: int) -> list[float]:
        parameter = nn.Parameter(torch.zeros(2))
        parameter.grad = torch.tensor([1.0, torch.inf if rank else 1.0])
        average_gradients([parameter])
        return parameter.grad.tolist()

    assert in_a_group(average, tmp_path) == [[1.0, torch.inf]] * 2


class Masks(Callback):
    """Records the latents and dropout masks of an iteration."""

    def __init__(self, module: GAN) -> None:
        self.z: list[Tensor] = []
        self.masks: list[Tensor] = []
        module.generator.register_forward_pre_hook(lambda _, args: self.z.append(args[0]))
        dropout = next(m for m in module.discriminator.modules() if isinstance(m, nn.Dropout))
        dropout.register_forward_hook(lambda _, args, out: self.masks.append((out == 0).detach()))


def test_latents_are_one_draw_shared_out_and_dropout_masks_differ(tmp_path: Path) -> None:
    def train(rank: int) -> tuple[Tensor, Tensor]:
        module = games.game(discriminator=games.Discriminator(dropout=0.5))
        seen = Masks(module)
        games.fit(module, 1, batch_size=64, devices=RANKS, strategy=GANStrategy(store=store_in(tmp_path)))
        return torch.stack(seen.z), torch.stack(seen.masks)

    (first_z, first_mask), (second_z, second_mask) = both_ranks(train, tmp_path)
    alone = [UpdateDraw((3, 0, update), 0, 1, torch.device("cpu")).normal("z", (64, 4)) for update in ("D0", "G")]
    assert not torch.equal(first_z, second_z)
    assert torch.equal(torch.cat([first_z, second_z], dim=1), torch.stack(alone))
    # 3 forward passes x 32 samples x 8 units at p = 0.5: masks that agree by chance do so in half of the places
    assert 0.4 < float((first_mask == second_mask).float().mean()) < 0.6
