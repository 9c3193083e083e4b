"""Mean and covariance, whatever way the samples come in."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.metrics import Moments
from gan_lightning.metrics import moments as module


def close(actual: Moments, expected: Moments) -> None:
    assert actual.count == expected.count
    torch.testing.assert_close(actual.mean, expected.mean, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(actual.covariance, expected.covariance, rtol=1e-12, atol=1e-12)


def test_as_numpy(real: Tensor) -> None:
    moments = Moments.of(real)
    x = real.double().numpy()
    assert moments.mean.dtype == moments.scatter.dtype == torch.float64
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(moments.covariance, np.cov(x, rowvar=False), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 99, 100])
def test_batch_size_and_order_do_not_matter(real: Tensor, batch_size: int) -> None:
    real = real[:100]
    batches = [Moments.of(batch) for batch in real.split(batch_size)]
    close(reduce(add, batches), Moments.of(real))
    close(reduce(add, reversed(batches)), Moments.of(real))


def test_large_sets_are_taken_in_chunks(real: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Moments.of(real)
    monkeypatch.setattr(module, "CHUNK", 33)
    close(Moments.of(real), whole)


def test_nothing_adds_nothing(real: Tensor) -> None:
    nothing = Moments.of(real[:0])
    assert nothing.count == 0
    close(nothing + Moments.of(real), Moments.of(real))
    close(Moments.of(real) + nothing, Moments.of(real))
    assert (nothing + nothing).count == 0
    assert torch.isfinite((nothing + nothing).scatter).all()


def test_a_large_mean_costs_no_digits() -> None:
    """Sums of squares would be off by 1e-4 of the variance at a mean of 1e6."""
    x = torch.randn(1000, 5, dtype=torch.float64)
    far = reduce(add, (Moments.of(batch + 1e6) for batch in x.split(50)))
    torch.testing.assert_close(far.covariance, Moments.of(x).covariance, rtol=1e-8, atol=1e-8)


def test_one_sample_has_no_covariance() -> None:
    with pytest.raises(UserError, match="at least 2"):
        _ = Moments.of(torch.ones(1, 3)).covariance


def test_alone_there_is_nobody_to_add(real: Tensor) -> None:
    close(Moments.of(real).over_processes(), Moments.of(real))
