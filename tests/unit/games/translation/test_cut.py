"""CUT against a loop written from the paper, PatchNCE against its formula, and what is refused."""

from __future__ import annotations

import math
from functools import partial
from itertools import chain
from typing import Any

import games
import pytest
import torch
import translation
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.games.translation.cut import CUT
from gan_lightning.games.translation.patch_nce import Projection, patch_nce, patches, random_places
from gan_lightning.losses import LeastSquares
from gan_lightning.randomness import UpdateDraw

PLACES, TAU = 9, 0.07
SGD = partial(torch.optim.SGD, lr=0.01)


def encoded(generator: Any, x: Tensor) -> list[Tensor]:
    """The image and the maps after both halvings and the first block."""
    maps = [x]
    for layer in generator.encoder[:4]:
        maps.append(layer(maps[-1]))
    return [maps[0], maps[2], maps[3], maps[4]]


def nce(generator: Any, projection: Any, source: Tensor, made: Tensor, draw: UpdateDraw) -> Tensor:
    """Eq. 3 and 4, a loop over layers, images and places."""
    total = torch.zeros(())
    keys, queries = encoded(generator, source), encoded(generator, made)
    for number, (key, query) in enumerate(zip(keys, queries, strict=True)):
        batch, _, height, width = key.shape
        chosen = draw.uniform(f"layer {number}", (batch, height * width)).argsort(descending=True)[:, :PLACES]
        perceptron = projection.layers[number]
        losses = []
        for image in range(batch):
            v, others = [], []
            for place in chosen[image].tolist():
                row, column = divmod(place, width)
                vector = perceptron(query[image, :, row, column])
                v.append(vector / vector.norm().clamp_min(1e-3))
                with torch.no_grad():
                    vector = perceptron(key[image, :, row, column])
                    others.append(vector / vector.norm().clamp_min(1e-3))
            for s in range(len(v)):
                scores = torch.stack([(v[s] * other).sum() / TAU for other in others])
                losses.append(-torch.log(scores[s].exp() / scores.exp().sum()))
        total = total + torch.stack(losses).mean() / len(keys)
    return total


def by_hand(module: CUT, optimizer: Any, iterations: int) -> dict[str, Tensor]:
    """Park et al. 2020, eq. 1 to 5, with least squares and D's objective halved as in the authors' code."""
    generator, discriminator = translation.translator(1, 2, "batch"), translation.judge(seed=5, norm="batch")
    torch.manual_seed(7)
    projection = Projection([3, 8, 16, 16], 32)
    opt_g = optimizer(chain(generator.parameters(), projection.parameters()))
    opt_d = optimizer(discriminator.parameters())
    for i, (a, b) in enumerate(translation.batches(module, iterations, 4)):
        fake = generator(a)
        loss = ((discriminator(b) - 1) ** 2).mean() + (discriminator(fake.detach()) ** 2).mean()
        translation.step(opt_d, loss / 2)
        draw = translation.draw(i, "G")
        adversarial = ((discriminator(fake) - 1) ** 2).mean()
        contrast = nce(generator, projection, a, fake, draw.named("nce"))
        identity = nce(generator, projection, b, generator(b), draw.named("identity"))
        translation.step(opt_g, adversarial + contrast + identity, idle=[discriminator])
    return translation.states(generator=generator, projection=projection, discriminator=discriminator)


@pytest.mark.parametrize("optimizer", [SGD, games.ADAM], ids=["sgd", "adam"])
def test_two_iterations_equal_a_loop_written_by_hand(optimizer: Any) -> None:
    # a bias before an instance norm has no gradient but rounding, which Adam turns into a step
    module = translation.cut(optimizer, norm="batch")
    before = games.weights(module)
    translation.fit(module, 2)
    assert translation.same_as(module, by_hand(module, optimizer, 2)) < 1e-5
    assert not any(value.equal(before[name]) for name, value in module.state_dict().items())


def test_the_loss_of_vectors_that_are_told_apart_and_of_equal_ones() -> None:
    apart = torch.eye(4)[None]
    certain = -math.log(math.exp(1 / TAU) / (math.exp(1 / TAU) + 3))
    assert float(patch_nce(apart, apart, TAU)) == pytest.approx(certain, abs=1e-6)
    alike = torch.ones(2, 5, 3) / 3**0.5
    assert float(patch_nce(alike, alike, TAU)) == pytest.approx(math.log(5), rel=1e-6)


def test_places_are_chosen_once_each_and_for_each_image_anew() -> None:
    draw = UpdateDraw((1,), 0, 1, translation.CPU)
    maps = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    places = random_places(maps, 12, draw, "places")
    assert places.shape == (2, 12)
    assert all(len(set(row.tolist())) == 12 for row in places)
    assert not torch.equal(places[0], places[1])
    assert random_places(maps, 99, draw, "places").shape == (2, 20)
    row, column = divmod(int(places[1, 7]), 5)
    assert torch.equal(patches(maps, places)[1, 7], maps[1, :, row, column])


def make(generator: nn.Module, **options: Any) -> CUT:
    return CUT(
        generator, translation.judge(), LeastSquares(), optimizer_generator=SGD, optimizer_discriminator=SGD, **options
    )


def test_what_it_cannot_compare_is_refused() -> None:
    with pytest.raises(UserError, match="UNet has no method features"):
        make(translation.unet())
    with pytest.raises(UserError, match=r"model\.layers=\[0, 2, 3, 4, 8\]: ResidualTranslator has fewer layers"):
        make(translation.translator())
    with pytest.raises(UserError, match="in rising order"):
        make(translation.translator(), layers=[3, 2])
    from gan_lightning.networks import ResidualTranslator

    with pytest.raises(UserError, match="takes 1 channels and makes 3"):
        make(ResidualTranslator(in_channels=1, out_channels=3, resolution=8))


def test_its_sheet_shows_both_domains() -> None:
    module = translation.cut()
    translation.fit(module, 1)
    sheet = module.pictures(translation.data_for(module, 4), 8)
    a, b = module.held_out(translation.data_for(module, 4), 2)
    generator = module.average.model["generator"]
    with torch.no_grad():
        assert torch.equal(sheet.images, torch.cat([a, generator(a), b, generator(b)]))
