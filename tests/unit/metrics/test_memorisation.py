"""Copies are found, and unseen images are not taken for copies."""

from __future__ import annotations

import pytest
import scipy.stats
import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.metrics import Memorisation, Sample
from gan_lightning.metrics.memorisation import copying_test


def cloud(count: int) -> Tensor:
    return torch.randn(count, 8)


def numbers(train: Tensor, held_out: Tensor, fake: Tensor, **settings: int) -> dict[str, float]:
    return Memorisation(**settings)(Sample(train), Sample(held_out), Sample(fake))


@pytest.mark.parametrize("levels", [2**50, 20, 2], ids=["no ties", "some ties", "many ties"])
def test_as_scipy(levels: int) -> None:
    fake, held_out = torch.rand(70, dtype=torch.float64), torch.rand(90, dtype=torch.float64) * 1.2
    fake, held_out = (distances.mul(levels).floor() / levels for distances in (fake, held_out))
    ours = copying_test(fake, held_out)
    theirs = scipy.stats.mannwhitneyu(fake, held_out, alternative="less", method="asymptotic", use_continuity=False)
    assert float(ours.closer) == pytest.approx(1 - theirs.statistic / (70 * 90))
    assert scipy.stats.norm.cdf(float(ours.z)) == pytest.approx(theirs.pvalue, rel=1e-6)


def test_ties_count_half() -> None:
    """Of the four pairs one is closer, one is farther, two are ties."""
    ours = copying_test(torch.tensor([1.0, 2.0]).double(), torch.tensor([1.0, 2.0]).double())
    assert (float(ours.closer), float(ours.z)) == (0.5, 0.0)
    assert float(copying_test(torch.tensor([1.0]).double(), torch.tensor([1.0, 2.0]).double()).closer) == 0.75


def test_nothing_to_tell_apart() -> None:
    """All distances are equal, as where all images are copies of one."""
    ours = copying_test(torch.zeros(5).double(), torch.zeros(7).double())
    assert (float(ours.closer), float(ours.z)) == (0.5, 0.0)


def test_unseen_samples_are_no_copies() -> None:
    values = numbers(cloud(2000), cloud(1000), cloud(1000))
    assert values["closer_to_train"] == pytest.approx(0.5, abs=0.04)  # three standard errors
    assert abs(values["copying_z"]) < 3
    assert values["near_copies"] == pytest.approx(0.01, abs=0.01)


def test_copies_are_found() -> None:
    train = cloud(2000)
    values = numbers(train, cloud(1000), train[:1000] + 1e-3 * cloud(1000))
    assert values["closer_to_train"] > 0.99
    assert values["copying_z"] < -30
    assert values["near_copies"] > 0.99


def test_a_few_copies_are_seen_as_such() -> None:
    train, fake = cloud(2000), cloud(1000)
    fake[:200] = train[:200]
    values = numbers(train, cloud(1000), fake)
    assert values["near_copies"] == pytest.approx(0.21, abs=0.02)


def test_bad_samples_are_far_from_everything() -> None:
    values = numbers(cloud(2000), cloud(1000), 3 * cloud(1000))
    assert values["closer_to_train"] < 0.01
    assert values["copying_z"] > 30
    assert values["near_copies"] == 0.0


def test_some_of_many_are_looked_up() -> None:
    train, held_out = cloud(500), cloud(400)
    fake = torch.cat([train, cloud(500)])
    values = [numbers(train, held_out, fake, samples=200, seed=seed)["near_copies"] for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert values == pytest.approx([0.5] * 3, abs=0.15)


def test_settings_are_checked() -> None:
    with pytest.raises(UserError, match="samples of a metric is 10"):
        Memorisation(samples=10)
