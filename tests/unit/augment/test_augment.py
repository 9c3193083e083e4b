"""Augmentations: closed forms and statistics, gradients, and the same numbers on any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import games
import pytest
import torch
from torch import Tensor

from gan_lightning.augment import (
    OPERATIONS,
    Adaptive,
    Augmentation,
    Compose,
    DiffAugment,
    InstanceNoise,
    brightness,
    contrast,
    cutout,
    saturation,
    translation,
)
from gan_lightning.errors import UserError
from gan_lightning.games.gan import GAN
from gan_lightning.losses import Hinge, LeastSquares, Relativistic, RelativisticAverage, TopK
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import AdversarialLoss, Draw

MANY = 4000
HINGE = Hinge()


def draw(rank: int = 0, world_size: int = 1) -> UpdateDraw:
    return UpdateDraw((5, 7, "D0"), rank, world_size, torch.device("cpu"))


def pictures(count: int, side: int = 8, dtype: torch.dtype = torch.float32) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, side, side, generator=random, dtype=dtype) * 2 - 1


def everything() -> Compose:
    return Compose({"diffaugment": DiffAugment(probability=0.7), "instance_noise": InstanceNoise(0.2)})


def test_without_any_images_stay_as_they_are() -> None:
    x = pictures(2)
    assert Compose({})(x, draw()) is x
    assert Compose({}).adapt(0, 8) == {}


def assert_uniform(values: Tensor, low: float, high: float) -> None:
    """The range, mean and variance of the values are those of U[low, high)."""
    assert float(values.min()) >= low - 1e-4
    assert float(values.max()) <= high + 1e-4
    assert float(values.mean()) == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
    assert float(values.var()) == pytest.approx((high - low) ** 2 / 12, rel=0.05)


def test_brightness_adds_one_number_to_each_image() -> None:
    x = pictures(MANY, side=2)
    added = brightness(x, 0.5, draw()) - x
    assert float((added - added[:, :1, :1, :1]).abs().max()) < 1e-6
    assert_uniform(added[:, 0, 0, 0], -0.5, 0.5)


def test_saturation_scales_the_distance_from_grey() -> None:
    x = pictures(MANY, side=2)
    grey = x.mean(1, keepdim=True)
    scaled = saturation(x, 1.0, draw()) - grey
    factors = (scaled * (x - grey)).sum((1, 2, 3)) / (x - grey).square().sum((1, 2, 3))
    torch.testing.assert_close(scaled, factors[:, None, None, None] * (x - grey), atol=1e-5, rtol=0)
    assert_uniform(factors, 0.0, 2.0)
    torch.testing.assert_close(saturation(grey, 1.0, draw()), grey)  # one channel has no colour


def test_contrast_scales_the_distance_from_the_mean() -> None:
    x = pictures(MANY, side=2)
    mean = x.mean((1, 2, 3), keepdim=True)
    changed = contrast(x, 0.5, draw())
    torch.testing.assert_close(changed.mean((1, 2, 3), keepdim=True), mean, atol=1e-6, rtol=0)
    assert_uniform(changed.std((1, 2, 3)) / x.std((1, 2, 3)), 0.5, 1.5)


def test_translation_moves_and_fills_with_grey() -> None:
    side, most = 8, 2
    x = pictures(60, side)
    moved = translation(x, 0.25, draw())
    seen = set()
    for i, image in enumerate(x):
        padded = torch.nn.functional.pad(image, (most,) * 4)
        places = [(a, b) for a in range(2 * most + 1) for b in range(2 * most + 1)]
        found = [(a, b) for a, b in places if torch.equal(padded[:, a : a + side, b : b + side], moved[i])]
        assert len(found) == 1
        seen.update(found)
    assert len(seen) > 15  # of 25 places, by 60 images
    assert torch.equal(translation(x, 0.01, draw()), x)


@pytest.mark.parametrize(("side", "most"), [(12, 2), (19, 2), (20, 3), (28, 4), (32, 4), (36, 5), (52, 7), (100, 13)])
def test_half_a_pixel_of_translation_goes_up(side: int, most: int) -> None:
    """int(side * 0.125 + 0.5) in the paper's code."""
    moved = translation(torch.ones(400, 1, side, side), 0.125, draw())
    assert int((moved[:, 0] == 0).all(2).sum(1).max()) == int((moved[:, 0] == 0).all(1).sum(1).max()) == most


@pytest.mark.parametrize(("side", "size"), [(23, 12), (25, 13), (28, 14), (29, 15), (32, 16)])
def test_half_a_pixel_of_cutout_goes_up(side: int, size: int) -> None:
    """int(side * 0.5 + 0.5) in the paper's code."""
    holes = (cutout(torch.ones(400, 1, side, side), 0.5, draw()) == 0)[:, 0]
    assert int(holes.any(2).sum(1).max()) == int(holes.any(1).sum(1).max()) == size


@pytest.mark.parametrize("side", [7, 8])
def test_cutout_makes_one_hole_anywhere(side: int) -> None:
    ones = torch.ones(MANY, 3, side, side)
    holes = (cutout(ones, 0.5, draw()) == 0)[:, 0]
    rows, columns = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(holes.sum((1, 2)), rows * columns)  # one rectangle
    size = round(side * 0.5)
    assert int(rows.max()) == int(columns.max()) == size
    # whole within the image for side - size + 1 places of its centre, of side + 1 (even size) or side (odd)
    whole = (side - size + 1) / (side + 1 - size % 2)
    assert float((rows == size).float().mean()) == pytest.approx(whole, abs=0.03)
    assert torch.equal(holes, cutout(ones, 0.5, draw())[:, 2] == 0)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_each_operation_happens_with_the_probability(probability: float) -> None:
    x = pictures(MANY, side=2)
    only = {name: 0.0 for name in OPERATIONS} | {"brightness": 0.5}
    changed = (DiffAugment(**only, probability=probability)(x, draw()) != x).flatten(1).any(1)
    assert float(changed.float().mean()) == pytest.approx(probability, abs=0.025)


def test_operations_are_chosen_independently() -> None:
    x = pictures(MANY, side=2)
    only = {name: 0.0 for name in OPERATIONS} | {"brightness": 0.5, "contrast": 0.5}
    y = DiffAugment(**only, probability=0.5)(x, draw())
    brighter = (y.mean((1, 2, 3)) - x.mean((1, 2, 3))).abs() > 1e-5
    stretched = (y.std((1, 2, 3)) / x.std((1, 2, 3)) - 1).abs() > 1e-4
    assert float((brighter & stretched).float().mean()) == pytest.approx(0.25, abs=0.025)


def test_instance_noise_has_its_standard_deviation() -> None:
    added = InstanceNoise(0.3)(torch.zeros(100, 1, 20, 20), draw())
    assert float(added.std()) == pytest.approx(0.3, rel=0.01)
    assert float(added.mean()) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_gradients_flow(operation: Callable[[Tensor, float, Draw], Tensor]) -> None:
    x = pictures(3, side=4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda images: operation(images, 0.5, draw()), x)
    # R1 differentiates through the operations twice
    assert torch.autograd.gradgradcheck(lambda images: operation(images, 0.5, draw()).pow(3), x)


def test_two_processes_augment_as_one() -> None:
    x = pictures(8)
    parts = [everything()(part, draw(rank, 2)) for rank, part in enumerate(x.chunk(2))]
    assert torch.equal(torch.cat(parts), everything()(x, draw()))


def test_real_and_fake_images_get_numbers_of_their_own() -> None:
    x = pictures(8)
    assert torch.equal(everything()(x, draw()), everything()(x, draw()))
    assert not torch.equal(everything()(x, draw().named("real")), everything()(x, draw().named("fake")))


def test_half_precision_stays() -> None:
    x = pictures(2).bfloat16()
    assert everything()(x, draw()).dtype == torch.bfloat16


# ---------------------------------------------------------------------------------------------------- adaptive


NO_FAKES = torch.zeros(4)
"""Logits of fakes, where the loss does not compare real samples with them."""


def adapted(
    logits: list[float],
    times: int,
    start: float = 0.5,
    loss: AdversarialLoss = HINGE,
    fake: Tensor = NO_FAKES,
) -> float:
    """The probability after ``times`` iterations of 10 images with these logits, if 1 kimg leads from 0 to 1."""
    augmentation = Adaptive(DiffAugment(), target=0.6, kimg=1.0, interval=2)
    augmentation.probability.fill_(start)
    for iteration in range(times):
        augmentation.observe(loss, torch.tensor(logits), fake)
        augmentation.adapt(iteration, images=10)
    return float(augmentation.probability)


def test_the_probability_follows_the_sign_of_the_logits() -> None:
    sure, unsure = [5.0, 0.1, 2.0, 9.0], [5.0, 0.1, 2.0, -9.0]  # r = 1 and 0.5, on either side of 0.6
    assert adapted(sure, 1) == 0.5  # no step yet
    assert adapted(sure, 2) == pytest.approx(0.52)  # 2 * 10 of 1000 images
    assert adapted(sure, 10) == pytest.approx(0.6)
    assert adapted(unsure, 10) == pytest.approx(0.4)
    assert adapted(sure, 200) == 1.0
    assert adapted(unsure, 200) == 0.0


def test_least_squares_has_its_border_at_a_half() -> None:
    """A D that can't tell gives 0.5, and is no reason to augment."""
    assert adapted([0.5] * 4, 10, start=0.0, loss=LeastSquares()) == 0.0
    assert adapted([0.4] * 4, 10, start=0.3, loss=LeastSquares()) == pytest.approx(0.2)
    assert adapted([0.9] * 4, 10, start=0.3, loss=LeastSquares()) == pytest.approx(0.4)


@pytest.mark.parametrize("constant", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize(
    "loss", [Relativistic(), RelativisticAverage(), TopK(Relativistic()), TopK(RelativisticAverage())], ids=repr
)
def test_a_constant_on_all_logits_changes_nothing_for_relativistic_losses(
    loss: AdversarialLoss, constant: float
) -> None:
    """They count the real samples that are above a fake each, or above all fakes' mean."""
    sure, unsure = torch.tensor([5.0, 1.0, 2.0, 9.0]) + constant, torch.tensor([5.0, 1.0, 2.0, -9.0]) + constant
    fake = torch.tensor([-1.0, -2.0, -1.0, 0.0]) + constant
    assert adapted(sure.tolist(), 10, loss=loss, fake=fake) == pytest.approx(0.6)
    assert adapted(unsure.tolist(), 10, loss=loss, fake=fake) == pytest.approx(0.4)


def test_the_mean_of_two_processes_is_that_of_the_whole_batch() -> None:
    """The strategy averages floating-point buffers, which is right because they are linear in the signs."""
    logits = torch.tensor([1.0, 1.0, 1.0, -1.0, 1.0, -1.0])
    whole, *halves = [Adaptive(DiffAugment()) for _ in range(3)]
    whole.observe(HINGE, logits, logits)
    for half, part in zip(halves, logits.chunk(2), strict=True):
        half.observe(HINGE, part, part)
    for name, buffer in whole.named_buffers():
        average = torch.stack([dict(half.named_buffers())[name] for half in halves]).mean(0)
        torch.testing.assert_close(average, buffer)


def test_adaptive_applies_its_own_probability() -> None:
    x = pictures(4)
    adaptive = Adaptive(DiffAugment())
    assert torch.equal(adaptive(x, draw()), x)
    adaptive.probability.fill_(1.0)
    assert torch.equal(adaptive(x, draw()), DiffAugment()(x, draw()))


def test_the_state_of_an_adaptive_augmentation_is_resumed(tmp_path: Path) -> None:
    def new() -> GAN:
        return games.game(augment={"adaptive": Adaptive(DiffAugment(cutout=0.0), target=-1.5, kimg=0.1, interval=3)})

    games.fit(whole := new(), 8)
    games.fit(new(), 4).save_checkpoint(tmp_path / "run.ckpt")  # one iteration after a step
    games.fit(resumed := new(), 8, checkpoint=tmp_path / "run.ckpt")
    assert float(whole.augment["adaptive"].probability) == pytest.approx(2 * 3 * 8 / 100)
    assert games.largest_difference(games.weights(whole), games.weights(resumed)) == 0.0


def test_d_sees_augmented_images_and_g_learns_through_them() -> None:
    class Blank(Augmentation):
        def forward(self, images: Tensor, draw: Draw) -> Tensor:
            seen.append(tuple(images.shape))
            return images * 0

    seen: list[tuple[int, ...]] = []
    module = games.game(augment={"blank": Blank()}, optimizer=games.SGD)
    before = games.weights(module.generator)
    games.fit(module, 2)
    assert seen == [(8, 1, 8, 8)] * 6  # real, fake and G's fake
    assert games.largest_difference(before, games.weights(module.generator)) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: InstanceNoise(-1.0), "std is -1.0"),
        (lambda: Compose({"mine": torch.nn.Identity()}), "augment.mine is a Identity: derive"),
        (lambda: DiffAugment(cutout=1.5), "cutout is 1.5"),
        (lambda: DiffAugment(probability=-0.1), "probability is -0.1"),
        (lambda: Adaptive(DiffAugment(), kimg=0.0), "kimg=0.0"),
        (lambda: Adaptive(DiffAugment(), interval=0), "interval=0"),
    ],
)
def test_wrong_numbers_are_refused(make: Callable[[], torch.nn.Module], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
