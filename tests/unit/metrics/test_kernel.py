"""KID by its sums, and by two other implementations on the same subsets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_kid import kernel_mmd, kid_features_to_metric
from torchmetrics.image.kid import poly_mmd

from gan_lightning.errors import UserError
from gan_lightning.metrics import KernelDistance, Sample
from gan_lightning.metrics.kernel import kernel_distances, polynomial_kernel, squared_mmd


def by_the_sums(x: Tensor, y: Tensor) -> float:
    """Pair by pair."""

    def k(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    within = [np.mean([k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j]) for s in (x, y)]
    return float(sum(within) - 2 * np.mean([k(a, b) for a in x for b in y]))


def test_by_its_sums(real: Tensor, fake: Tensor) -> None:
    x, y = real[:30].double(), fake[:20].double()
    assert float(squared_mmd(x, y)) == pytest.approx(by_the_sums(x, y), rel=1e-10)


def test_by_hand() -> None:
    """One feature; x = 0, 1 and y = 2, 3: k = 1 between the xs, 343 between the ys, and 1, 1, 27, 64 across."""
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[2.0], [3.0]]).double()
    assert polynomial_kernel(x, y).tolist() == [[1, 1], [27, 64]]
    assert float(squared_mmd(x, y)) == 1 + 343 - 2 * (1 + 1 + 27 + 64) / 4


def test_as_torch_fidelity_and_torchmetrics_on_the_same_subsets(real: Tensor, fake: Tensor) -> None:
    x, y = real.double(), fake.double()
    choose = np.random.RandomState(2020)  # as kid_features_to_metric does
    subsets = [(choose.choice(500, 100, replace=False), choose.choice(400, 100, replace=False)) for _ in range(7)]
    ours = torch.stack([squared_mmd(x[rows], y[columns]) for rows, columns in subsets])
    theirs = kid_features_to_metric(x, y, kid_subsets=7, kid_subset_size=100, rng_seed=2020, verbose=False)
    assert float(ours.mean()) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    assert float(ours.std(correction=0)) == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6)
    metrics = torch.stack([poly_mmd(x[rows], y[columns]) for rows, columns in subsets])
    torch.testing.assert_close(ours, metrics, rtol=1e-6, atol=1e-12)


def test_a_subset_of_all_is_all(real: Tensor, fake: Tensor) -> None:
    whole = kernel_mmd(real[:400].double().numpy(), fake.double().numpy())
    numbers = KernelDistance(subsets=2, subset_size=400)(Sample(real[:400]), Sample(fake))
    assert numbers == {"kid": pytest.approx(whole, rel=1e-6), "kid_std": pytest.approx(0, abs=1e-12)}


def test_symmetric_and_unbiased(real: Tensor, fake: Tensor) -> None:
    x, y = real.double(), fake.double()
    assert float(squared_mmd(x, y)) == pytest.approx(float(squared_mmd(y, x)), rel=1e-12)
    halves = kernel_distances(real[:250], real[250:], subsets=200, subset_size=50)
    different = float(squared_mmd(x, y))
    assert abs(float(halves.mean())) < 0.1 * different
    assert float(halves.min()) < 0  # an unbiased estimate of 0 falls on both sides


def test_float32_features_far_from_the_origin(real: Tensor, fake: Tensor) -> None:
    """The kernel is 1e18 there; the float64 sums keep what float32 features hold."""
    x, y = (real + 1000).float(), (fake + 1000).float()
    ours = KernelDistance(subsets=1, subset_size=400)(Sample(x[:400]), Sample(y))["kid"]
    assert ours == pytest.approx(kernel_mmd(x[:400].double().numpy(), y.double().numpy()), rel=1e-6)


def test_the_seed_chooses_the_subsets(real: Tensor, fake: Tensor) -> None:
    one, same, other = (kernel_distances(real, fake, subsets=3, subset_size=50, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_few_samples_give_smaller_subsets(real: Tensor, fake: Tensor) -> None:
    """Half of them, so that the subsets differ; as many as were asked for where there are enough."""
    few = Sample(real[:90]), Sample(fake)
    numbers = KernelDistance(subsets=5, subset_size=200)(*few)
    assert numbers == KernelDistance(subsets=5, subset_size=45)(*few)
    assert numbers["kid_std"] > 0
    assert KernelDistance(subsets=5, subset_size=90)(*few)["kid"] != numbers["kid"]


def test_too_few_samples(real: Tensor, fake: Tensor) -> None:
    with pytest.raises(UserError, match="at least 4 samples of each kind"):
        KernelDistance()(Sample(real[:3]), Sample(fake))
    with pytest.raises(UserError, match="subset_size"):
        KernelDistance(subset_size=1)
