"""The inception score in closed form and as torch-fidelity has it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_isc import isc_features_to_metric

from gan_lightning.errors import UserError
from gan_lightning.metrics import InceptionScore, Sample
from gan_lightning.metrics.inception_score import inception_scores


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(403, 7, dtype=torch.float64) * 3


@pytest.mark.parametrize("splits", [1, 10])
def test_as_torch_fidelity(logits: Tensor, splits: int) -> None:
    theirs = isc_features_to_metric(logits, splits=splits, shuffle=False)
    ours = inception_scores(logits.softmax(1), splits)
    assert float(ours.mean()) == pytest.approx(theirs["inception_score_mean"], rel=1e-10)
    assert float(ours.std(correction=0)) == pytest.approx(theirs["inception_score_std"], rel=1e-8, abs=1e-12)


def test_sure_of_all_classes_equally() -> None:
    """As many as there are classes, with probabilities of exactly 0."""
    assert inception_scores(torch.eye(5).repeat(4, 1), splits=2).tolist() == pytest.approx([5, 5])


def test_one_class_or_no_idea() -> None:
    assert inception_scores(torch.eye(5)[:1].repeat(20, 1), splits=2).tolist() == pytest.approx([1, 1])
    assert inception_scores(torch.full((20, 5), 0.2), splits=2).tolist() == pytest.approx([1, 1])


def test_two_classes_by_hand() -> None:
    """Three of four samples are of one class: exp(H(3/4, 1/4))."""
    probabilities = torch.eye(2)[torch.tensor([0, 0, 0, 1])]
    expected = math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert float(inception_scores(probabilities, splits=1)) == pytest.approx(expected)


def test_samples_made_class_after_class_are_shuffled(real: Tensor) -> None:
    in_order = torch.eye(10).repeat_interleave(1000, 0)
    features = torch.zeros(10_000, 3)
    assert inception_scores(in_order).mean() == pytest.approx(1)
    numbers = InceptionScore()(Sample(real), Sample(features, in_order))
    assert numbers["inception_score"] == pytest.approx(10, rel=0.01)
    assert 0 < numbers["inception_score_std"] < 0.1


def test_what_it_needs(real: Tensor) -> None:
    with pytest.raises(UserError, match="no class probabilities"):
        InceptionScore()(Sample(real), Sample(real))
    with pytest.raises(UserError, match="at least 10 samples"):
        InceptionScore()(Sample(real), Sample(real[:9]))
    with pytest.raises(UserError, match="splits"):
        InceptionScore(splits=0)
