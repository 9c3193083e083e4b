"""CycleGAN against a loop written from the paper, with its image pools, and its sheet."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any

import games
import pytest
import torch
import translation
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.games.image_pool import ImagePool
from gan_lightning.games.translation.cyclegan import CycleGAN
from gan_lightning.losses import LeastSquares
from gan_lightning.randomness import UpdateDraw


class Pool:
    """Zhu et al.'s pool for one image at a time: a list."""

    def __init__(self, size: int) -> None:
        self.size, self.images = size, list[Tensor]()

    def query(self, fake: Tensor, draw: UpdateDraw) -> Tensor:
        if len(self.images) < self.size:
            self.images.append(fake)
            return fake
        if float(draw.uniform("swapped", (1,))) < 0.5:
            place = int(draw.integers("slot", self.size, (1,)))
            past, self.images[place] = self.images[place], fake
            return past
        return fake


def by_hand(module: CycleGAN, optimizer: Any, iterations: int, batch: int, pool: int) -> dict[str, Tensor]:
    """Zhu et al. 2017, eq. 1 to 3 with least squares, sec. 5.2's identity, D's objective halved."""
    a2b, b2a = translation.translator(1), translation.translator(2)
    judge_a, judge_b = translation.judge(seed=5), translation.judge(seed=6)
    opt_g = optimizer(chain(a2b.parameters(), b2a.parameters()))
    opt_d = optimizer(chain(judge_a.parameters(), judge_b.parameters()))
    pools = Pool(pool), Pool(pool)
    for i, (a, b) in enumerate(translation.batches(module, iterations, batch)):
        draw = translation.draw(i, "D0")
        fake_a, fake_b = b2a(b), a2b(a)
        shown_a, shown_b = fake_a.detach(), fake_b.detach()
        if pool:
            shown_a = pools[0].query(shown_a, draw.named("a").named("image_pool"))
            shown_b = pools[1].query(shown_b, draw.named("b").named("image_pool"))
        loss_a = 0.5 * ((judge_a(a) - 1) ** 2).mean() + 0.5 * (judge_a(shown_a) ** 2).mean()
        loss_b = 0.5 * ((judge_b(b) - 1) ** 2).mean() + 0.5 * (judge_b(shown_b) ** 2).mean()
        translation.step(opt_d, loss_a + loss_b)
        adversarial = ((judge_b(fake_b) - 1) ** 2).mean() + ((judge_a(fake_a) - 1) ** 2).mean()
        cycle = (b2a(fake_b) - a).abs().mean() + (a2b(fake_a) - b).abs().mean()
        identity = (a2b(b) - b).abs().mean() + (b2a(a) - a).abs().mean()
        translation.step(opt_g, adversarial + 10 * cycle + 5 * identity, idle=[judge_a, judge_b])
    return translation.states(a2b=a2b, b2a=b2a, discriminator_a=judge_a, discriminator_b=judge_b)


SGD = partial(torch.optim.SGD, lr=0.02)
"""At 0.1 the weights of these networks leave every bound."""


@pytest.mark.parametrize("optimizer", [SGD, games.ADAM], ids=["sgd", "adam"])
def test_three_iterations_equal_a_loop_written_by_hand(optimizer: Any) -> None:
    module = translation.cyclegan(optimizer)
    before = games.weights(module)
    translation.fit(module, 3)
    assert translation.same_as(module, by_hand(module, optimizer, 3, 4, pool=0)) < 1e-5
    assert not any(value.equal(before[name]) for name, value in module.state_dict().items())


def test_with_one_image_a_batch_the_pool_is_that_of_the_paper() -> None:
    module = translation.cyclegan(SGD, image_pool=ImagePool(images=3))
    translation.fit(module, 12, batch_size=1)
    assert translation.same_as(module, by_hand(module, SGD, 12, 1, pool=3)) < 1e-5
    assert translation.same_as(module, by_hand(module, SGD, 12, 1, pool=0)) > 1e-4


def test_its_identity_can_be_left_out() -> None:
    translation.fit(module := translation.cyclegan(identity_weight=0.0), 1)
    assert not any("identity" in name for name in module.scalars.drain(1, lambda own: own))


def test_the_identity_of_unequal_channels_is_refused() -> None:
    networks = translation.unet(), translation.unet(), translation.judge(), translation.judge()
    with pytest.raises(UserError, match=r"model\.identity_weight=0"):
        CycleGAN(*networks, LeastSquares(), optimizer_generator=SGD, optimizer_discriminator=SGD)


def test_its_sheet_goes_there_and_back() -> None:
    module = translation.cyclegan()
    translation.fit(module, 1)
    sheet = module.pictures(translation.data_for(module, 4), 12)
    a, b = module.held_out(translation.data_for(module, 4), 2)
    a2b, b2a = module.average.model["a2b"], module.average.model["b2a"]
    with torch.no_grad():
        expected = torch.cat([a, a2b(a), b2a(a2b(a)), b, b2a(b), a2b(b2a(b))])
    assert sheet.columns == 2
    assert torch.equal(sheet.images, expected)
