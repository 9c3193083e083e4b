"""What every extractor promises, whatever network is behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save as serialized
from safetensors.torch import save_file
from torch import Tensor, nn

from gan_lightning.data.image_set import resize
from gan_lightning.data.image_set import with_channels as as_data_has_them
from gan_lightning.errors import UserError
from gan_lightning.images import to_unit
from gan_lightning.metrics.extractors import Extractor, ModuleExtractor
from gan_lightning.metrics.extractors.classifier import SmallClassifier
from gan_lightning.metrics.extractors.frozen import fingerprint
from gan_lightning.metrics.extractors.preparation import Square, with_exact_channels


def picture(count: int, channels: int, side: int) -> Tensor:
    return torch.randint(256, (count, channels, side, side), dtype=torch.uint8)


def classifier() -> SmallClassifier:
    model = SmallClassifier(channels=3, widths=[8, 12], num_classes=5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def extractor(**options: object) -> ModuleExtractor:
    return ModuleExtractor(classifier(), channels=3, resolution=16, class_names=["a", "b", "c", "d", "e"], **options)


@pytest.mark.parametrize(("channels", "side"), [(1, 16), (3, 16), (1, 28), (3, 9)])
def test_it_takes_bytes_of_any_size_and_colour(channels: int, side: int) -> None:
    found = extractor()(picture(7, channels, side))
    assert found.features.shape == (7, 12)
    assert found.features.dtype == found.probabilities.dtype == torch.float32
    torch.testing.assert_close(found.probabilities.sum(1), torch.ones(7))


def test_its_numbers_are_those_of_its_module() -> None:
    made, images = extractor(), picture(4, 3, 16)
    with torch.no_grad():
        features, logits = made.module.eval()(images / 127.5 - 1)
    torch.testing.assert_close(made(images).features, features)
    torch.testing.assert_close(made(images).probabilities, logits.softmax(1))


def test_it_fulfils_the_contract() -> None:
    made = extractor()
    assert isinstance(made, Extractor)
    assert made.num_features == 12
    assert made.class_names == ("a", "b", "c", "d", "e")
    assert made.name == "gan_lightning.metrics.extractors.classifier.SmallClassifier"
    assert made.resize == "to 16 x 16 colour, bicubic, antialiased when it shrinks"
    assert made.to(torch.device("cpu")) is made


@pytest.mark.parametrize("batch_size", [1, 3, 10, 64])
def test_company_in_the_batch_makes_no_difference(batch_size: int) -> None:
    images = picture(10, 3, 16)
    made = extractor()
    whole = made(images)
    made.batch_size = batch_size
    torch.testing.assert_close(made(images).features, whole.features, atol=1e-5, rtol=0)
    torch.testing.assert_close(made(images.flip(0)).features.flip(0), whole.features, atol=1e-5, rtol=0)
    one_by_one = torch.cat([made(image[None]).features for image in images])
    torch.testing.assert_close(one_by_one, whole.features, atol=1e-5, rtol=0)


def test_it_stays_in_evaluation_mode_and_learns_nothing() -> None:
    images = picture(8, 3, 16)
    made = extractor()
    before = made(images).features
    weights = fingerprint(made.module.state_dict())
    made.module.train()
    assert torch.equal(made(images).features, before)
    assert fingerprint(made.module.state_dict()) == weights  # batch norm's running statistics among them
    assert not any(p.requires_grad for p in made.module.parameters())
    assert not made(images).features.requires_grad


def test_no_module_takes_it_for_a_part() -> None:
    owner = nn.Module()
    owner.extractor = extractor()
    owner.train()
    assert list(owner.modules()) == [owner]
    assert owner.state_dict() == {}


def test_autocast_does_not_reach_it() -> None:
    images, made = picture(8, 3, 16), extractor()
    with torch.autocast("cpu", torch.bfloat16):
        inside = made(images)
    assert torch.equal(inside.features, made(images).features)
    assert torch.equal(inside.probabilities, made(images).probabilities)


def test_it_draws_no_random_numbers() -> None:
    images, made = picture(4, 3, 16), extractor()
    state = torch.get_rng_state()
    made(images)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_module_may_give_features_alone() -> None:
    made = ModuleExtractor(nn.Flatten(), channels=1, resolution=4)
    assert made.num_features == 16
    assert made(picture(2, 1, 4)).probabilities is None


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (nn.Linear(5, 5), "mat1 and mat2"),
        (nn.Identity(), "2 dimensions"),
        (nn.Conv2d(1, 1, 3), "to have 1 channels"),
    ],
)
def test_a_module_that_cannot_be_one_is_refused(module: nn.Module, why: str) -> None:
    with pytest.raises(UserError, match=why):
        ModuleExtractor(module, channels=3, resolution=16)


def test_a_module_may_have_its_weights_in_a_file(tmp_path: Path) -> None:
    trained = classifier()
    save_file(trained.state_dict(), tmp_path / "own.safetensors")
    made = extractor(weights=str(tmp_path / "own.safetensors"))
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in made.module.state_dict().items())


@pytest.mark.parametrize("content", [None, b"torn", serialized({"other": torch.zeros(2)})])
def test_weights_that_do_not_fit_are_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"own\.safetensors has no weights for the extractor's SmallClassifier"):
        extractor(weights=str(path))


def test_two_channels_are_refused() -> None:
    with pytest.raises(UserError, match="3 channels, and can't make them of 2"):
        extractor()(picture(1, 2, 16))


def test_channels_and_sizes_are_those_of_the_data_but_for_rounding() -> None:
    """data.channels and data.resolution give bytes, the extractor goes on with floats."""
    images = picture(3, 3, 20)
    rounded = to_unit(resize(as_data_has_them(images, 1), 16))
    exact = Square(channels=1, resolution=16)(images)
    assert (rounded - exact).abs().max() < 2.5 / 127.5  # luma and resize are rounded one after the other
    assert Square(channels=3, resolution=20)(images).equal(to_unit(images))
    assert with_exact_channels(picture(1, 1, 2), 3).shape == (1, 3, 2, 2)
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    assert with_exact_channels(red, 1).item() == pytest.approx(76.245)


def test_resizing_stays_within_bytes() -> None:
    """Bicubic weights are partly negative: black beside white overshoots."""
    edge = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    edge[..., 2:] = 255
    x = Square(channels=1, resolution=16)(edge)
    assert (x.min(), x.max()) == (-1, 1)


def test_the_hash_tells_what_decides_the_features() -> None:
    module = classifier()

    def hash_of(**options: object) -> str:
        return ModuleExtractor(module, **{"channels": 3, "resolution": 16, **options}).hash

    first = hash_of()
    assert hash_of() == first
    assert hash_of(batch_size=3) == first
    assert len({first, hash_of(resolution=8), hash_of(name="other")}) == 3
    module.blocks[0].first_norm.running_var[0] += 1e-6
    assert hash_of() != first


def test_a_module_without_weights_is_told_by_its_settings() -> None:
    """Its features are kept on disk by the hash: those of another stride would be taken for its own."""
    hashes = [
        ModuleExtractor(
            nn.Sequential(nn.AvgPool2d(2, stride=stride), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            channels=1,
            resolution=8,
        ).hash
        for stride in (1, 2, 2)
    ]
    assert hashes[0] != hashes[1] == hashes[2]


def test_the_hash_is_known() -> None:
    """So that numbers of another version of this package stay comparable: nothing of torch's is in it."""
    weights = {"b": torch.tensor([1.0, 2.0]), "a": torch.tensor(3)}
    assert fingerprint(weights, "name") == "3ac161853476e58c"
    assert fingerprint(dict(reversed(weights.items())), "name") == fingerprint(weights, "name")
