"""The floor and the gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.metrics import (
    FrechetDistance,
    HeldOutMetric,
    InceptionScore,
    Memorisation,
    Metric,
    NoiseFloor,
    Sample,
    TrainTestGap,
)


@dataclass(frozen=True)
class Counts(Metric):
    """How many samples it is given."""

    better: ClassVar = {"n_real": "higher", "n_fake": "higher"}

    def compute(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"n_real": float(len(real)), "n_fake": float(len(fake))}


def fid(real: Sample, fake: Sample) -> float:
    return FrechetDistance()(real, fake)["fid"]


@pytest.fixture
def train() -> Sample:
    return Sample(torch.randn(300, 4))


@pytest.fixture
def held_out() -> Sample:
    return Sample(torch.randn(200, 4))


def test_the_floor_is_the_metric_on_held_out_images(train: Sample, held_out: Sample) -> None:
    fake = Sample(torch.zeros(200, 4))
    assert NoiseFloor(FrechetDistance())(train, held_out, fake) == {"fid_floor": fid(train, held_out)}


def test_the_floor_is_of_as_many_images_as_there_are_fakes(train: Sample, held_out: Sample) -> None:
    floor = NoiseFloor(Counts())
    assert floor(train, held_out, held_out.rows(torch.arange(20))) == {"n_real_floor": 300, "n_fake_floor": 20}
    assert floor(train, held_out, train) == {"n_real_floor": 300, "n_fake_floor": 200}


def test_a_copy_of_the_training_images_shows_in_the_gap(train: Sample, held_out: Sample) -> None:
    gap = TrainTestGap(FrechetDistance())
    assert gap(train, held_out, train)["fid_gap"] > 0.05
    assert gap(held_out, train, train)["fid_gap"] < -0.05
    assert gap(train, train, held_out)["fid_gap"] == pytest.approx(0, abs=1e-9)


def test_both_sides_of_the_gap_have_equally_many(train: Sample, held_out: Sample) -> None:
    """Or a bias that falls with their number would open a gap."""
    assert TrainTestGap(Counts())(train, held_out, train) == {"n_real_gap": 0, "n_fake_gap": 0}
    assert TrainTestGap(Counts())(held_out, train, train) == {"n_real_gap": 0, "n_fake_gap": 0}


def test_the_contract() -> None:
    for metric in (NoiseFloor(FrechetDistance()), TrainTestGap(FrechetDistance()), Memorisation()):
        assert isinstance(metric, HeldOutMetric)


def test_what_a_metric_needs_is_told_before() -> None:
    """Of the floor in held-out images, of the gap in both kinds of real ones."""
    score = InceptionScore(splits=10)
    NoiseFloor(score).check(5, 100, 10, 10, classifies=True)
    TrainTestGap(score).check(5, 100, 10, 10, classifies=True)
    for held_out, fake, classifies, says in ((9, 10, True, "9 fake"), (10, 10, False, "no class probabilities")):
        with pytest.raises(UserError, match=says):
            NoiseFloor(score).check(5, 100, held_out, fake, classifies=classifies)
    with pytest.raises(UserError, match="9 real"):
        TrainTestGap(score).check(5, 100, 9, 10, classifies=True)
