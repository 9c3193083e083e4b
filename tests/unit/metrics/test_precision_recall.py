"""Precision, recall, density and coverage: by hand, as torch-fidelity and as the authors' own code have them.

The authors' code is ``compute_prdc`` of the package prdc 0.2, whose numbers are written down here, because the package
has not been kept up since 2020.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_prc import prc_features_to_metric

from gan_lightning.errors import UserError
from gan_lightning.metrics import PrecisionRecall, Sample, neighbours
from gan_lightning.metrics.precision_recall import precision_recall


def numbers(real: Tensor, fake: Tensor, k: int = 3, density_k: int = 5) -> dict[str, float]:
    return {name: float(value) for name, value in precision_recall(real, fake, k, density_k)._asdict().items()}


@pytest.fixture
def near(real: Tensor, fake: Tensor) -> Tensor:
    """Fakes that overlap with the real samples by half, so that no number is 0 or 1."""
    return torch.cat([fake[:200] * 0.8 + 0.1, real[:100] * 1.02, fake[200:250] * 3])


@pytest.mark.parametrize("k", [1, 3, 5])
def test_as_torch_fidelity(real: Tensor, near: Tensor, k: int) -> None:
    theirs = prc_features_to_metric(
        near.double(), real.double(), prc_neighborhood=k, prc_batch_size=10_000, save_cpu_ram=False, verbose=False
    )
    ours = numbers(real, near, k)
    assert 0.1 < ours["precision"] < 0.95
    assert 0.1 < ours["recall"] < 0.95
    assert (ours["precision"], ours["recall"]) == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-6)


BY_THE_AUTHORS = {
    1: {"precision": 246 / 350, "recall": 271 / 500, "density": 1.38, "coverage": 285 / 500},
    3: {"precision": 286 / 350, "recall": 417 / 500, "density": 1.3047619047619046, "coverage": 452 / 500},
    5: {"precision": 297 / 350, "recall": 462 / 500, "density": 1.3, "coverage": 492 / 500},
}
"""Numbers of ``compute_prdc(real, near, nearest_k=k)`` by k."""


@pytest.mark.parametrize("k", BY_THE_AUTHORS)
def test_as_the_authors_of_density_and_coverage(real: Tensor, near: Tensor, k: int) -> None:
    assert numbers(real, near, k, k) == pytest.approx(BY_THE_AUTHORS[k], rel=1e-6)


def test_two_ks_are_two_metrics_side_by_side(real: Tensor, near: Tensor) -> None:
    both = numbers(real, near, 3, 5)
    assert (both["precision"], both["recall"]) == tuple(numbers(real, near, 3, 3).values())[:2]
    assert (both["density"], both["coverage"]) == tuple(numbers(real, near, 5, 5).values())[2:]


def test_by_hand() -> None:
    """Real samples at 0, 1, 3, 7 on a line have radii 1, 1, 2, 4 (k = 1); fakes at 0.5, 2.5, 20 have 2, 2, 17.5."""
    real, fake = torch.tensor([[0.0], [1], [3], [7]]), torch.tensor([[0.5], [2.5], [20]])
    values = numbers(real, fake, 1, 1)
    assert values["precision"] == pytest.approx(2 / 3)  # 0.5 in the balls of 0 and 1; 2.5 in that of 3
    assert values["recall"] == 1.0  # 7 lies in the huge ball of 20
    assert values["density"] == pytest.approx(3 / (1 * 3))
    assert values["coverage"] == pytest.approx(3 / 4)


def test_the_border_of_a_ball() -> None:
    """A fake at exactly the radius is precise (closed balls), and adds no density (open balls)."""
    real = torch.tensor([[0.0], [1], [10], [11]])
    values = numbers(real, torch.tensor([[2.0], [12]]), 1, 1)
    assert values["precision"] == 1.0
    assert (values["density"], values["coverage"]) == (0.0, 0.0)


def test_on_itself(real: Tensor) -> None:
    assert numbers(real, real.clone()) == {"precision": 1, "recall": 1, "density": 1, "coverage": 1}


def test_nothing_in_common(real: Tensor) -> None:
    assert numbers(real, real + 100) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def by_differences(real: Tensor, fake: Tensor, k: int = 3, density_k: int = 5) -> dict[str, float]:
    """All four from distances that are taken pair by pair."""
    among_real, among_fake, between = (
        torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")
        for x, y in ((real, real), (fake, fake), (real, fake))
    )
    radius, density_radius = (among_real.kthvalue(n + 1, 1, keepdim=True).values for n in (k, density_k))
    fake_radius = among_fake.kthvalue(k + 1, 1).values  # the nearest of all is the sample itself
    inside = between < density_radius
    return {
        "precision": float((between <= radius).any(0).double().mean()),
        "recall": float((between <= fake_radius).any(1).double().mean()),
        "density": int(inside.sum()) / (density_k * len(fake)),
        "coverage": float(inside.any(1).double().mean()),
    }


@pytest.mark.parametrize("offset", [0.0, 3.0, 100.0])
def test_a_generator_that_repeats_some_training_images(offset: float) -> None:
    """Each copy lies exactly on the border of the balls that reach to the image that it copies."""
    random = torch.Generator().manual_seed(5)
    real = torch.relu(torch.randn(1000, 64, generator=random)) + offset
    fake = real[:50].repeat(20, 1)
    values = numbers(real, fake)
    assert values == by_differences(real, fake)
    assert (values["precision"], values["recall"]) == (1.0, 0.05)
    if offset == 0:  # compute_prdc's own distances round at ties further from the origin
        assert (values["density"], values["coverage"]) == pytest.approx((1.044, 0.242))


def test_the_same_few_images_on_both_sides() -> None:
    """50 images, each 20 times: all balls have a radius of 0, and the copies lie on their border."""
    images = torch.rand(50, 64)
    real, fake = images.repeat(20, 1), images.repeat_interleave(20, 0)
    expected = {"precision": 1.0, "recall": 1.0, "density": 0.0, "coverage": 0.0}
    assert numbers(real, fake) == by_differences(real, fake) == expected


@pytest.mark.parametrize("step", [1.0, 0.1, 1 / 3])
def test_samples_on_a_grid(step: float) -> None:
    """Nearly all distances are ties, of pairs that have no sample in common."""
    real, fake = (torch.randint(0, 3, (count, 6)) * step for count in (300, 200))
    assert numbers(real, fake) == by_differences(real, fake)


def test_few_modes_are_precise_and_recall_little(real: Tensor) -> None:
    one = real[:1] + 1e-3 * torch.randn(100, real.shape[1])
    values = numbers(real, one)
    assert values["precision"] == 1.0
    assert values["recall"] < 0.01
    assert values["coverage"] < 0.1


def test_far_from_the_origin(real: Tensor, near: Tensor) -> None:
    """In float32, |x|² + |y|² - 2 x·y would be off by 1 in distances of 1 at means of 1e3."""
    far_real, far_near = (real + 1000).float(), (near + 1000).float()
    expected = numbers(far_real.double() - 1000, far_near.double() - 1000)
    assert numbers(far_real, far_near) == expected


def test_the_size_of_the_table_does_not_matter(real: Tensor, near: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = precision_recall(real, near)
    monkeypatch.setattr(neighbours, "TABLE", 7 * 350)
    assert precision_recall(real, near) == whole


def test_as_many_of_the_one_as_of_the_other(real: Tensor, near: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    first, same, other = (PrecisionRecall(seed=seed)(Sample(real), Sample(near)) for seed in (0, 0, 1))
    assert first == same != other
    assert PrecisionRecall()(Sample(near), Sample(real[:350])) == numbers(near, real[:350])
    counts = []
    monkeypatch.setattr(
        "gan_lightning.metrics.precision_recall.precision_recall",
        lambda a, b, k, density_k: counts.append((len(a), len(b))) or precision_recall(a, b),
    )
    PrecisionRecall()(Sample(real), Sample(near))
    PrecisionRecall()(Sample(near[:80]), Sample(real))
    assert counts == [(350, 350), (80, 80)]


def test_what_it_needs(real: Tensor) -> None:
    with pytest.raises(UserError, match="at least 6 samples"):
        PrecisionRecall()(Sample(real), Sample(real[:5]))
    with pytest.raises(UserError, match="k of a metric is 0"):
        PrecisionRecall(k=0)
