"""Top-k training: G's loss has the gradient of the best samples' mean and the value of the whole batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.losses import Hinge, LeastSquares, NonSaturating, Relativistic, TopK, Wasserstein
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss

REAL = torch.tensor([-5.0, 1.4, 12.5, 2.7])
FAKE = torch.tensor([10.0, 4.4, -5.5, 3.6])
DRAW = UpdateDraw((0,), 0, 1, torch.device("cpu"))


def gradient(loss: AdversarialLoss) -> tuple[float, Tensor]:
    fake = FAKE.clone().requires_grad_()
    value = loss.generator(fake, lambda: REAL)
    (derivative,) = torch.autograd.grad(value, fake)
    return value.item(), derivative


def test_the_gradient_is_that_of_the_best_half() -> None:
    value, derivative = gradient(TopK(NonSaturating(), fraction=0.5))
    assert value == pytest.approx(1.385821, abs=1e-6)  # the loss of all four samples
    expected = torch.tensor([-(-FAKE[0]).sigmoid() / 2, -(-FAKE[1]).sigmoid() / 2, 0.0, 0.0])
    torch.testing.assert_close(derivative, expected)


@pytest.mark.parametrize(("fraction", "kept"), [(0.01, 1), (0.25, 1), (0.26, 2), (0.75, 3), (1.0, 4)])
def test_k_is_the_fraction_rounded_up(fraction: float, kept: int) -> None:
    _, derivative = gradient(TopK(Wasserstein(), fraction))
    best = torch.tensor([0, 1, 3, 2])  # from the best to the worst
    expected = torch.zeros(4)
    expected[best[:kept]] = -1 / kept
    torch.testing.assert_close(derivative, expected)


@pytest.mark.parametrize("loss", [NonSaturating(), Hinge(), Relativistic()], ids=repr)
def test_with_all_samples_it_is_the_loss_itself(loss: AdversarialLoss) -> None:
    value, derivative = gradient(TopK(loss, fraction=1.0))
    expected, expected_derivative = gradient(loss)
    assert value == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(derivative, expected_derivative)


def test_pairs_stay_pairs() -> None:
    """A relativistic loss compares each fake with its own real sample, also if some fakes are left out."""
    _, derivative = gradient(TopK(Relativistic(), fraction=0.5))
    expected = torch.zeros(4)
    expected[:2] = -(REAL[:2] - FAKE[:2]).sigmoid() / 2
    torch.testing.assert_close(derivative, expected)


def test_the_border_is_that_of_the_loss() -> None:
    assert TopK(LeastSquares()).border == 0.5
    assert TopK(Relativistic()).border is None


def test_d_learns_from_all() -> None:
    assert torch.equal(TopK(Hinge()).discriminator(REAL, FAKE, DRAW), Hinge().discriminator(REAL, FAKE, DRAW))


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.1])
def test_a_fraction_is_a_fraction(fraction: float) -> None:
    with pytest.raises(UserError, match=f"loss.fraction is {fraction}"):
        TopK(Hinge(), fraction)
