"""Weight clipping keeps every parameter of D within its limit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_lightning.errors import UserError
from gan_lightning.losses import WeightClip


def test_every_parameter_is_clipped_and_no_buffer() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, -1.0], [0.005, -0.005]]))
    WeightClip(limit=0.01)(network)
    assert torch.equal(network[0].weight, torch.tensor([[0.01, -0.01], [0.005, -0.005]]))
    assert torch.equal(network[1].weight, torch.tensor([0.01, 0.01]))
    assert all(p.requires_grad and p.abs().max() <= 0.01 for p in network.parameters())
    assert torch.equal(network[1].running_var, torch.ones(2))


def test_range() -> None:
    with pytest.raises(UserError, match="limit is 0"):
        WeightClip(limit=0.0)
