"""The auxiliary classifier's losses: closed forms, which images each one sees, and that the class head learns."""

from __future__ import annotations

import math
from typing import Any

import games
import pytest
import torch
from torch import Tensor

from gan_lightning.errors import UserError
from gan_lightning.losses import AuxiliaryFake, AuxiliaryGenerator, AuxiliaryReal
from gan_lightning.losses.auxiliary import class_loss
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from gan_lightning.randomness import UpdateDraw
from gan_lightning.types import DiscriminatorUpdate, GeneratorUpdate, Verdict

LABELS = torch.tensor([0, 2, 1])
REAL = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 2.0, 0.0]])  # right, each with the same certainty
FAKE = torch.zeros(3, 3)  # all classes are equally likely
RIGHT = math.log(1 + 2 * math.exp(-2))
IMAGES = torch.zeros(3, 1, 2, 2)
DRAW = UpdateDraw((0,), rank=0, world_size=1, device=torch.device("cpu"))


def verdict(classes: Tensor | None) -> Verdict:
    return Verdict(torch.zeros(3), classes)


def update_of_d(**changes: Any) -> DiscriminatorUpdate:
    return DiscriminatorUpdate(
        **{
            "real": IMAGES,
            "fake": IMAGES,
            "labels": LABELS,
            "real_verdict": verdict(REAL),
            "fake_verdict": verdict(FAKE),
            "critic": lambda x: x.sum((1, 2, 3)),
            "draw": DRAW,
        }
        | changes
    )


def update_of_g(classes: Tensor) -> GeneratorUpdate:
    return GeneratorUpdate(
        fake=IMAGES, labels=LABELS, verdict=verdict(classes), critic=lambda x: x.sum((1, 2, 3)), draw=DRAW
    )


def test_closed_forms() -> None:
    assert AuxiliaryReal()(update_of_d()).item() == pytest.approx(RIGHT)
    assert AuxiliaryFake()(update_of_d()).item() == pytest.approx(math.log(3))
    assert AuxiliaryGenerator()(update_of_g(FAKE)).item() == pytest.approx(math.log(3))
    assert AuxiliaryGenerator()(update_of_g(REAL)).item() == pytest.approx(RIGHT)


def test_weights() -> None:
    assert AuxiliaryReal(weight=0.5)(update_of_d()).item() == pytest.approx(0.5 * RIGHT)
    assert AuxiliaryFake(weight=3.0)(update_of_d()).item() == pytest.approx(3 * math.log(3))
    assert AuxiliaryGenerator(weight=0.1)(update_of_g(FAKE)).item() == pytest.approx(0.1 * math.log(3))


def test_both_players_want_the_class_recognised() -> None:
    """On fakes the gradient is `softmax - one-hot` for D and for G alike: here the two are no adversaries."""
    for term, update in ((AuxiliaryFake(), "d"), (AuxiliaryGenerator(), "g")):
        classes = FAKE.clone().requires_grad_()
        seen = update_of_d(fake_verdict=verdict(classes)) if update == "d" else update_of_g(classes)
        (gradient,) = torch.autograd.grad(term(seen), classes)
        torch.testing.assert_close(gradient, (torch.full((3, 3), 1 / 3) - torch.eye(3)[LABELS]) / 3)


def test_large_and_half_precision_logits_are_finite() -> None:
    assert class_loss(verdict(1e4 * REAL), LABELS).item() == 0
    assert class_loss(verdict(-1e4 * REAL), LABELS).item() == pytest.approx(2e4 + math.log(2))
    half = class_loss(verdict(REAL.to(torch.bfloat16)), LABELS)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(RIGHT, rel=1e-5)


@pytest.mark.parametrize("changes", [{"real_verdict": verdict(None)}, {"labels": None}])
def test_it_needs_a_class_head(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"class logits.*conditioning\.discriminator=auxiliary"):
        AuxiliaryReal()(update_of_d(**changes))


# ------------------------------------------------------------------------------------------------------- in a game


def acgan(**options: Any) -> games.GAN:
    """A GAN with an auxiliary classifier for the two classes of ``games.Noise``."""
    torch.manual_seed(1)
    shape = {"channels": 1, "resolution": games.PIXELS, "num_classes": 2, "width": 8}
    return games.game(
        DCGANGenerator(**shape, conditioning="concat"),
        DCGANDiscriminator(**shape, conditioning="auxiliary"),
        discriminator_terms={"class_real": AuxiliaryReal(), "class_fake": AuxiliaryFake()},
        generator_terms={"class_generator": AuxiliaryGenerator()},
        **options,
    )


def test_class_losses_and_accuracies_are_logged() -> None:
    games.fit(module := acgan(), 3)
    values = module.scalars.drain(3, average=lambda x: x)
    assert {"term/class_real", "term/class_fake", "term/class_generator"} < values.keys()
    assert 0 <= values["class_accuracy/real"] <= 1
    assert 0 <= values["class_accuracy/fake"] <= 1


def test_the_class_head_learns_the_training_set() -> None:
    """The images are noise, so their classes can only be learned by heart."""
    games.fit(module := acgan(), 40)
    data = games.Noise(batch_size=8).split("train")
    module.discriminator.eval()
    answer = module.discriminator(data.images.float() / 127.5 - 1)
    assert answer.classes is not None
    assert (answer.classes.argmax(1) == data.labels).float().mean() > 0.8


def test_terms_of_both_players_have_names_of_their_own() -> None:
    with pytest.raises(UserError, match="both have a term called mine"):
        games.game(discriminator_terms={"mine": AuxiliaryReal()}, generator_terms={"mine": AuxiliaryGenerator()})


def test_weights_can_be_scheduled() -> None:
    module = acgan(schedules={"term.class_real.weight": lambda images: 0.25, "term.class_generator.weight": float})
    games.fit(module, 1)
    assert module.discriminator_terms["class_real"] == AuxiliaryReal(weight=0.25)
    assert module.generator_terms["class_generator"] == AuxiliaryGenerator(weight=0.0)
