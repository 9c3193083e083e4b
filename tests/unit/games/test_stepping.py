"""A fused Adam is stepped by the same kernel on the same tensors, whatever is done to the optimizer in between."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from gan_lightning.games.stepping import FusedAdamStep, spare_questions, step_of


def nets() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    one = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 2)).to(memory_format=torch.channels_last)
    return one, copy.deepcopy(one)


def backward(network: nn.Module, seed: int) -> None:
    network.zero_grad(set_to_none=True)
    x = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
    network(x).square().mean().backward()


def lower_rate(optimizer: Optimizer, network: nn.Module) -> None:
    optimizer.param_groups[0].update(lr=1e-4, betas=(0.3, 0.9))


def reload(optimizer: Optimizer, network: nn.Module) -> None:
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))


def forget_a_gradient(optimizer: Optimizer, network: nn.Module) -> None:
    network[2].bias.grad = None  # type: ignore[index]


def climb(optimizer: Optimizer, network: nn.Module) -> None:
    optimizer.param_groups[0]["maximize"] = True


@pytest.mark.parametrize("between", [lower_rate, reload, forget_a_gradient, climb])
@pytest.mark.parametrize("make", [partial(Adam, betas=(0.5, 0.999)), partial(AdamW, weight_decay=0.1)])
def test_it_is_the_optimizers_own_step(make: Callable[..., Optimizer], between: Callable[..., None]) -> None:
    ours, theirs = nets()
    fast, slow = (make(net.parameters(), lr=0.01, fused=True) for net in (ours, theirs))
    step = step_of(fast)
    assert isinstance(step, FusedAdamStep)
    for seed in range(7):
        for network, optimizer in ((ours, fast), (theirs, slow)):
            backward(network, seed)
            if seed == 3:
                between(optimizer, network)
        step()
        slow.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(p, q)
        assert all(torch.equal(fast.state[p][name], slow.state[q][name]) for name in slow.state[q])


def test_the_tensors_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = nets()
    optimizer = Adam(network.parameters(), fused=True)
    step, own = step_of(optimizer), []
    monkeypatch.setattr(Adam, "step", lambda self, made=Adam.step: (own.append("own"), made(self)))
    for seed in range(5):
        backward(network, seed)
        step()
    assert own == ["own"]


def test_hooks_of_the_optimizer_are_called() -> None:
    network, _ = nets()
    optimizer, told = Adam(network.parameters(), fused=True), []
    step = step_of(optimizer)
    for seed in range(3):
        if seed == 1:
            optimizer.register_step_post_hook(lambda *_: told.append(1))
        backward(network, seed)
        step()
    assert len(told) == 2


def test_other_optimizers_step_by_themselves() -> None:
    network, _ = nets()
    sgd = torch.optim.SGD(network.parameters(), lr=0.1)
    assert step_of(sgd) == sgd.step
    two_groups = Adam([{"params": network[0].parameters()}, {"params": network[2].parameters()}], fused=True)  # type: ignore[index]
    assert step_of(two_groups) == two_groups.step


def test_an_optimizer_on_the_cpu_asks_for_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = nets()
    asked: list[Any] = []
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda *_, **__: asked.append(1))
    for spared in (False, True):
        optimizer = torch.optim.RMSprop(network.parameters(), lr=0.1)
        if spared:
            spare_questions(optimizer)
        backward(network, 0)
        optimizer.step()
        assert len(asked) == 1  # once, by the optimizer that was not spared
