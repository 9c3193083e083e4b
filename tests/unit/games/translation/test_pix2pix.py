"""Pix2Pix against a loop written from the paper, and its sheet and product."""

from __future__ import annotations

from typing import Any

import games
import pytest
import torch
import translation
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from gan_lightning.games.translation.pix2pix import Pix2Pix
from gan_lightning.losses import Hinge
from gan_lightning.types import AdversarialLoss


def cross_entropy(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def by_hand(module: Pix2Pix, optimizer: Any, iterations: int, n_critic: int) -> dict[str, Tensor]:
    """Isola et al. 2017, eq. 3 and 4, sec. 3.3: D's objective halved, lambda = 100."""
    generator, discriminator = translation.unet(norm="batch"), translation.judge([1, 3], norm="batch")
    opt_g, opt_d = optimizer(generator.parameters()), optimizer(discriminator.parameters())
    for i, (all_a, all_b) in enumerate(translation.batches(module, iterations, 4)):
        for update, (a, b) in enumerate(zip(all_a.chunk(n_critic), all_b.chunk(n_critic), strict=True)):
            translation.draw(i, f"D{update}")
            fake = generator(a)
            real_loss = cross_entropy(discriminator(torch.cat([a, b], 1)), 1)
            fake_loss = cross_entropy(discriminator(torch.cat([a, fake.detach()], 1)), 0)
            translation.step(opt_d, (real_loss + fake_loss) / 2)
        loss = cross_entropy(discriminator(torch.cat([a, fake], 1)), 1) + 100 * l1_loss(fake, b)
        translation.step(opt_g, loss, idle=[discriminator])
    return translation.states(generator=generator, discriminator=discriminator)


@pytest.mark.parametrize("n_critic", [1, 2])
@pytest.mark.parametrize("optimizer", [games.SGD, games.ADAM], ids=["sgd", "adam"])
def test_three_iterations_equal_a_loop_written_by_hand(optimizer: Any, n_critic: int) -> None:
    # a bias before an instance norm has no gradient but rounding, which Adam turns into a step
    module = translation.pix2pix(optimizer, norm="batch", n_critic=n_critic)
    before = games.weights(module)
    translation.fit(module, 3)
    assert translation.same_as(module, by_hand(module, optimizer, 3, n_critic)) < 1e-5
    moved = [name for name, value in module.state_dict().items() if not value.equal(before[name])]
    assert len(moved) == len(before)


@pytest.mark.parametrize("loss", [Hinge()], ids=repr)
def test_another_loss_by_hand(loss: AdversarialLoss) -> None:
    module = translation.pix2pix(games.SGD, dropout=0.0, loss=loss)
    (a, b), *_ = translation.batches(module, 1, 4)
    generator, discriminator = translation.unet(0.0), translation.judge([1, 3])
    real, fake = discriminator(torch.cat([a, b], 1)), discriminator(torch.cat([a, generator(a)], 1))
    expected = (torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()) / 2
    translation.fit(module, 1)
    found = module.scalars.drain(1, lambda own: own)
    assert found["loss/discriminator"] == pytest.approx(float(expected), rel=1e-5)


def test_the_image_pool_holds_pairs() -> None:
    """A past output is judged beside the input that it was made from."""
    from gan_lightning.games.image_pool import ImagePool

    module = translation.pix2pix(image_pool=ImagePool(images=4))
    translation.fit(module, 2, batch_size=4)
    past = module.image_pool.state_dict()["past"]
    assert past.shape == (1, 4, 4, translation.PIXELS, translation.PIXELS)
    inputs = torch.cat([a for a, _ in translation.batches(module, 2, 4)])
    assert all(any(torch.equal(row[:1], a) for a in inputs) for row in past[0])


def test_its_sheet_shows_inputs_outputs_and_targets_that_stay() -> None:
    module = translation.pix2pix(dropout=0.0)
    translation.fit(module, 1)
    data = translation.data_for(module, 4)
    sheet, again = module.pictures(data, 9), module.pictures(data, 9)
    assert sheet.columns == 3
    assert sheet.images.shape[:2] == (9, 3)
    assert torch.equal(sheet.images, again.images)
    a, b = module.held_out(data, 3)
    assert torch.equal(sheet.images[:3], a.expand(-1, 3, -1, -1))
    assert torch.equal(sheet.images[3:6], module.average(a))
    assert torch.equal(sheet.images[6:], b)


def test_a_sheet_of_many_has_blocks_of_eight_columns() -> None:
    module = translation.pix2pix(dropout=0.0)
    sheet = module.pictures(translation.data_for(module, 4), 64)
    a, b = module.held_out(translation.data_for(module, 4), 16)
    assert sheet.columns == 8
    assert len(sheet.images) == 48
    assert torch.equal(sheet.images[16:24], b[:8])
    assert torch.equal(sheet.images[24:32], a[8:].expand(-1, 3, -1, -1))
