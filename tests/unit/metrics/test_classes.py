"""Classes by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from gan_lightning.errors import UserError
from gan_lightning.metrics import ClassAsked, ClassCoverage, ClassHistogram, Sample
from gan_lightning.metrics.classes import class_counts, entropy, kl_divergence


def sample(*counts: int) -> Sample:
    """So many images of each class, which a classifier is rather sure of."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    probabilities = torch.eye(len(counts))[labels] * 0.6 + 0.4 / len(counts)
    return Sample(torch.zeros(len(labels), 2), probabilities)


def test_histogram() -> None:
    assert class_counts(sample(3, 0, 5).class_probabilities).tolist() == [3, 0, 5]
    histogram = ClassHistogram()(sample(1, 1, 1), sample(3, 0, 1))
    assert histogram == {"class_share/0": 0.75, "class_share/1": 0.0, "class_share/2": 0.25}


def test_the_share_of_the_class_that_was_asked_for() -> None:
    fakes = sample(3, 0, 1)
    assert ClassAsked()(sample(1, 1, 1), fakes) == {}
    asked = replace(fakes, labels=torch.tensor([0, 0, 1, 2]))
    assert ClassAsked()(sample(1, 1, 1), asked) == {"class_asked": 0.75}
    assert ClassAsked()(sample(1, 1, 1), asked.rows(torch.tensor([2, 3]))) == {"class_asked": 0.5}


def test_entropy_and_divergence() -> None:
    uniform, one = torch.full((4,), 0.25, dtype=torch.float64), torch.eye(4, dtype=torch.float64)[0]
    assert float(entropy(uniform)) == pytest.approx(math.log(4))
    assert float(entropy(one)) == 0.0
    assert float(kl_divergence(one, uniform)) == pytest.approx(math.log(4))
    assert float(kl_divergence(uniform, uniform)) == 0.0
    assert float(kl_divergence(uniform, one)) == math.inf


def test_a_generator_that_collapsed() -> None:
    values = ClassCoverage()(sample(100, 100, 100, 100), sample(400, 0, 0, 0))
    assert values["classes_covered"] == 1
    assert values["class_entropy"] == 0.0
    half_counts = 400.5 / 402 * math.log(400.5 / 100.5) + 3 * 0.5 / 402 * math.log(0.5 / 100.5)
    assert values["class_kl"] == pytest.approx(half_counts)
    assert values["class_kl"] == pytest.approx(math.log(4), abs=0.05)


def test_on_itself() -> None:
    values = ClassCoverage()(sample(10, 20, 30), sample(10, 20, 30))
    assert values["classes_covered"] == 3
    assert values["class_kl"] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(("least_share", "covered"), [(0.0, 3), (0.1, 2), (0.5, 1)])
def test_how_much_covers_a_class(least_share: float, covered: int) -> None:
    """Shares of 0.905, 0.09 and 0.005 where the real images have a third each."""
    assert ClassCoverage(least_share)(sample(1, 1, 1), sample(181, 18, 1))["classes_covered"] == covered


def test_classes_that_the_real_images_lack() -> None:
    values = ClassCoverage()(sample(100, 0), sample(50, 50))
    assert values["classes_covered"] == 1
    assert 1 < values["class_kl"] < math.inf


def test_what_it_needs() -> None:
    bare = Sample(torch.zeros(5, 2))
    for metric in (ClassCoverage(), ClassHistogram()):
        with pytest.raises(UserError, match="no class probabilities"):
            metric(bare, bare)
    with pytest.raises(UserError, match="least_share"):
        ClassCoverage(-0.1)
