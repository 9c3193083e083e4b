"""Two samples of features as a network gives them: not negative, correlated; more images than features."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

F = 24


def _features(count: int, mean: float, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(F, F, generator=torch.Generator().manual_seed(9))
    return torch.relu(torch.randn(count, F, generator=random) @ mixing / 4 + mean)


@pytest.fixture
def real() -> Tensor:
    """[500 24]."""
    return _features(500, 0.5, seed=1)


@pytest.fixture
def fake() -> Tensor:
    """[400 24]."""
    return _features(400, 0.7, seed=2)
