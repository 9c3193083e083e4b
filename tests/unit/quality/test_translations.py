"""Held-out images that are translated: numbers of planted generators, their protocols, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import games
import pytest
import torch
import translation
from halves import Halves
from torch import Tensor, nn

from gan_lightning.callbacks import Checkpoint, Quality
from gan_lightning.data.translation.datamodule import PairedDataModule, TranslationDataModule, UnpairedDataModule
from gan_lightning.data.translation.two_sides import Side, TwoSides
from gan_lightning.errors import Diverged, NoSuchSplit, UserError
from gan_lightning.games.ema import MovingAverage
from gan_lightning.games.translation.cut import CUT
from gan_lightning.games.translation.cyclegan import CycleGAN
from gan_lightning.games.translation.pix2pix import Pix2Pix
from gan_lightning.images import to_bytes, to_unit
from gan_lightning.metrics import (
    AbsoluteError,
    ClassKept,
    CycleError,
    FrechetDistance,
    IdentityError,
    PeakSignalToNoise,
    Sample,
    StructuralSimilarity,
    TranslationMetric,
)
from gan_lightning.metrics.likeness import absolute_errors, structural_similarity
from gan_lightning.networks import UNet
from gan_lightning.quality import Evaluator, Number
from gan_lightning.quality.subject import fitting_translations, with_suffix, without_suffix
from gan_lightning.quality.translations import PIXELS_AT_ONCE, translations
from gan_lightning.runs.loggers import JsonLines
from gan_lightning.runs.protocol import Protocol
from gan_lightning.runs.records import read_records
from gan_lightning.types import Direction

CPU = torch.device("cpu")
ALL: Mapping[str, TranslationMetric] = {
    "l1": AbsoluteError(),
    "psnr": PeakSignalToNoise(),
    "ssim": StructuralSimilarity(),
    "cycle": CycleError(),
    "identity": IdentityError(),
    "class_kept": ClassKept(),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "cache"))


class Classifier(Halves):
    """Says of an image, grey or in colours, whether it is bright or dark."""

    class_names = ("bright", "dark")

    def __call__(self, images: Tensor) -> Sample:
        return super().__call__(images.float().mean(1, keepdim=True))


def shades(count: int, seed: int) -> Side:
    """Grey images that are bright or dark in turn, and say so."""
    noise = translation.random_bytes(1, seed, count) // 4
    labels = torch.arange(count) % 2
    return Side(noise + (1 - labels)[:, None, None, None].to(torch.uint8) * 190, labels)


class Shades(UnpairedDataModule):
    """Bright and dark images of two domains; fewer of the second."""

    def load(self, split: str, size: Any) -> TwoSides:
        seeds = (1, 2) if split == "train" else (3, 4)
        return TwoSides(shades(25, seeds[0]), shades(19, seeds[1]), ("bright", "dark"))


class PairsOfShades(PairedDataModule):
    """Pairs of bright and dark images, of which b is a with other noise."""

    def load(self, split: str, size: Any) -> TwoSides:
        seeds = (1, 2) if split == "train" else (3, 4)
        return TwoSides(shades(25, seeds[0]), shades(25, seeds[1]), ("bright", "dark"))


class Mapped(nn.Module):
    """A generator that is a function of the pixels, and counts what it was given."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


AS_IT_IS, NEGATIVE = Mapped(lambda x: x), Mapped(lambda x: -x)


def evaluator(**options: Any) -> Evaluator:
    return Evaluator(Classifier(), {"fid": FrechetDistance()}, **{"translated": ALL, "batch_size": 4} | options)


def numbers(
    game: type[Any], networks: Mapping[str, nn.Module], data: TranslationDataModule, of: Evaluator | None = None
) -> dict[str, Number]:
    """All numbers of a game with these generators, by name."""
    of = of or evaluator()
    subjects = translations(game.__name__, game.directions(), data, of, of.n_fake)
    of, _ = fitting_translations(of, subjects, (), "metrics")
    found = []
    for each in subjects:
        seen = each.seen(of, networks, CPU, report=False)
        found += each.numbers(of, of.real(each.real, CPU, report=False), seen, "averaged", report=False)
    return {number.name: number for number in found}


def test_generators_that_change_nothing_make_no_errors() -> None:
    found = numbers(CycleGAN, {"a2b": AS_IT_IS, "b2a": AS_IT_IS}, Shades(batch_size=4))
    assert list(found) == [
        *("fid", "cycle", "identity", "class_kept"),
        *("fid_b2a", "cycle_b2a", "identity_b2a", "class_kept_b2a"),
    ]
    for name in ("cycle", "identity"):
        assert (found[name].value, found[f"{name}_b2a"].value) == (0.0, 0.0)
    assert (found["class_kept"].value, found["class_kept_b2a"].value) == (1.0, 1.0)


def test_the_class_is_kept_by_one_generator_and_exchanged_by_the_other() -> None:
    networks = {"a2b": NEGATIVE, "b2a": AS_IT_IS}
    found = numbers(CycleGAN, networks, Shades(batch_size=4))
    assert (found["class_kept"].value, found["class_kept_b2a"].value) == (0.0, 1.0)
    bright_only = Mapped(torch.ones_like)
    (share,) = (numbers(Pix2Pix, {"generator": bright_only}, PairsOfShades(batch_size=4))["class_kept"].value,)
    assert share == pytest.approx(13 / 25)


def test_numbers_are_those_of_the_same_images() -> None:
    """The FID of the metric, and the errors of the pixels, both of images that were made here."""
    data, darker = PairsOfShades(batch_size=4), Mapped(lambda x: 0.5 * x - 0.3)
    found = numbers(Pix2Pix, {"generator": darker}, data)
    assert list(found) == ["fid", "l1", "psnr", "ssim", "class_kept"]
    a, b = data.split("test").a.images, data.split("test").b.images
    made = to_bytes(0.5 * to_unit(a) - 0.3)
    real = Classifier()(data.split("train").b.images)
    assert found["fid"].value == pytest.approx(FrechetDistance()(real, Classifier()(made))["fid"], rel=1e-9)
    assert found["l1"].value == pytest.approx(float(absolute_errors(made, b).mean()), rel=1e-12)
    assert found["ssim"].value == pytest.approx(float(structural_similarity(made, b).mean()), rel=1e-12)
    errors = ((made.double() - b.double()) ** 2).mean((1, 2, 3))
    assert found["psnr"].value == pytest.approx(float((10 * torch.log10(255**2 / errors)).mean()), abs=1e-6)


def test_the_way_back_begins_with_bytes() -> None:
    """What a generator hides below a grey level is lost in a picture file, so F can't read it."""
    hides, unhides = Mapped(lambda x: x / 1000), Mapped(lambda x: x * 1000)
    found = numbers(CycleGAN, {"a2b": hides, "b2a": unhides}, Shades(batch_size=4))
    assert found["cycle"].value > 0.1
    held_out = Shades(batch_size=4).split("test").a.images
    back = to_bytes(1000 * to_unit(to_bytes(to_unit(held_out) / 1000)))
    assert found["cycle"].value == pytest.approx(float(absolute_errors(back, held_out).mean()), rel=1e-12)


def test_the_identity_is_measured_on_the_other_domain() -> None:
    data = Shades(batch_size=4)
    found = numbers(CUT, {"generator": NEGATIVE}, data)
    b = data.split("test").b.images
    assert list(found) == ["fid", "identity", "class_kept"]
    assert found["identity"].value == pytest.approx(float(absolute_errors(255 - b, b).mean()), rel=1e-12)
    protocol = found["identity"].protocol
    assert (protocol.data, protocol.split, protocol.n_real, protocol.n_fake) == ("Shades, domain b", "test", 19, 19)


def test_protocols_say_on_what() -> None:
    found = numbers(Pix2Pix, {"generator": AS_IT_IS}, PairsOfShades(batch_size=4), evaluator(n_fake=10))
    fid, ssim, kept = (found[name].protocol for name in ("fid", "ssim", "class_kept"))
    assert (fid.extractor, fid.data, fid.split, fid.n_real, fid.n_fake) == (
        *("halves", "PairsOfShades, domain b", "train"),
        *(25, 10),
    )
    assert (ssim.extractor, ssim.data, ssim.split, ssim.n_real, ssim.n_fake) == (
        *("none: the images themselves", "PairsOfShades, domain b", "test"),
        *(10, 10),
    )
    assert "data_range=255" in ssim.metric
    assert (kept.extractor, kept.data, kept.split) == ("halves", "PairsOfShades, domain a", "test")
    assert all(each.sampling.startswith("outputs for the first 10 held-out images of PairsOf") for each in (fid, kept))
    by_test = numbers(Pix2Pix, {"generator": AS_IT_IS}, PairsOfShades(batch_size=4), evaluator(split="test"))
    assert by_test["fid"].protocol.split == "test"
    assert by_test["fid"].value != found["fid"].value


def test_batches_do_not_hang_on_the_size_of_the_set_and_large_images_come_in_small_ones() -> None:
    data = PairsOfShades(batch_size=4)
    (small,) = translations("Pix2Pix", Pix2Pix.directions(), data, evaluator(batch_size=7), 100)
    assert (small.batch_size, small.count) == (7, 25)
    data._size = (512, 256)
    (large,) = translations("Pix2Pix", Pix2Pix.directions(), data, evaluator(batch_size=100), 3)
    assert large.batch_size == PIXELS_AT_ONCE // (512 * 256) == 2


def test_an_output_that_is_no_number_is_no_picture() -> None:
    with pytest.raises(Diverged):
        numbers(CUT, {"generator": Mapped(lambda x: x * torch.nan)}, Shades(batch_size=4))


class NoClasses(Halves):
    """Says what it sees without names."""


class HeldOutNone(Shades):
    """Nothing is held out."""

    def load(self, split: str, size: Any) -> TwoSides:
        if split == "test":
            raise NoSuchSplit("there are no pictures to test with: data.test_share=0.0 holds out 0 of 25")
        return super().load(split, size)


@pytest.mark.parametrize(
    ("game", "data", "of", "name", "says"),
    [
        (CycleGAN, Shades, evaluator(), "ssim", "ssim can't be measured, because the held-out images have no partners"),
        (Pix2Pix, PairsOfShades, evaluator(), "cycle", "Pix2Pix has no generator that leads back"),
        (Pix2Pix, PairsOfShades, evaluator(), "identity", "is not given images of the domain"),
        (CUT, translation.RandomDomains, evaluator(), "class_kept", "the held-out images have no classes"),
        (CUT, Shades, Evaluator(NoClasses(), {}, translated=ALL), "class_kept", "and the extractor knows none"),
    ],
)
def test_what_can_not_be_measured_is_said_or_left_out(
    game: Any, data: Any, of: Evaluator, name: str, says: str
) -> None:
    subjects = translations(game.__name__, game.directions(), data(batch_size=4), of, 10)
    with pytest.raises(UserError, match=f"metrics: {name} can't be measured, because .*{says.split('because ')[-1]}"):
        fitting_translations(of, subjects, [name], "metrics")
    fitting, reasons = fitting_translations(of, subjects, (), "metrics")
    assert name in reasons
    assert name not in fitting.translated


def test_domains_of_unequal_channels_have_no_identity() -> None:
    class GreyAndColour(Shades):
        def load(self, split: str, size: Any) -> TwoSides:
            return TwoSides(Side(translation.random_bytes(1, 1)), Side(translation.random_bytes(3, 2)))

    subjects = translations("CycleGAN", CycleGAN.directions(), GreyAndColour(batch_size=4), evaluator(), 10)
    assert "identity" in fitting_translations(evaluator(), subjects, (), "metrics")[1]


def test_images_that_are_smaller_than_half_a_window_have_no_ssim() -> None:
    class Tiny(PairedDataModule):
        def load(self, split: str, size: Any) -> TwoSides:
            images = translation.random_bytes(1, 1)[:, :, :4]
            return TwoSides(Side(images), Side(images))

    subjects = translations("Pix2Pix", Pix2Pix.directions(), Tiny(batch_size=4), evaluator(), 10)
    assert "4 x 16 pixels are too small" in fitting_translations(evaluator(), subjects, (), "metrics")[1]["ssim"]


def test_names_of_a_second_direction() -> None:
    for name, other in {
        "fid": "fid_b2a",
        "fid_error": "fid_b2a_error",
        "kid_std": "kid_std_b2a",
        "class_share/3": "class_share_b2a/3",
    }.items():
        assert with_suffix(name, Direction("b2a", "b", "a").suffix) == other
        assert with_suffix(name, Direction("a2b").suffix) == name
    assert [without_suffix(name) for name in ("averaged/fid_b2a", "fid", "b2a")] == ["averaged/fid", "fid", "b2a"]


# ---------------------------------------------------------------- during training


def quality(folder: Path, **options: Any) -> Quality:
    return Quality(str(folder), evaluator(), **{"every_kimg": 0.008, "max_share": 1.0} | options)


def noisy_pix2pix() -> Pix2Pix:
    """A game whose generator drops values in evaluation mode, too, as in the paper."""
    make = {"in_channels": 1, "out_channels": 3, "resolution": translation.PIXELS, "width": 4, "norm": "batch"}
    generator = translation.seeded(1, lambda: UNet(**make, dropout=0.5, dropout_in_eval=True))
    module = translation.pix2pix(norm="batch")
    module.generator = generator
    module.average = MovingAverage(generator, half_life_kimg=0.05)
    module._averaged = [generator]
    return module


def test_measuring_changes_nothing_even_with_dropout_at_test_time(tmp_path: Path) -> None:
    plain, measured = noisy_pix2pix(), noisy_pix2pix()
    translation.fit(plain, 4)
    callbacks = [quality(tmp_path, monitor="averaged/ssim") for _ in range(2)]
    translation.fit(measured, 4, callbacks=[callbacks[0]])
    assert games.largest_difference(games.weights(plain), games.weights(measured)) == 0
    translation.fit(noisy_pix2pix(), 4, callbacks=[callbacks[1]])
    assert callbacks[0].latest == callbacks[1].latest


def test_the_best_checkpoint_is_chosen_by_ssim(tmp_path: Path) -> None:
    callback = quality(tmp_path, monitor="averaged/ssim", patience=50)
    checkpoints = Checkpoint(str(tmp_path), every_minutes=None)
    trainer = translation.fit(
        translation.pix2pix(), 6, callbacks=[callback, checkpoints], logger=[JsonLines(str(tmp_path))]
    )
    lines = [each for each in read_records(tmp_path / "metrics.jsonl") if each["name"] == "quality/averaged/ssim"]
    assert [line["iteration"] for line in lines] == [2, 4, 6]
    assert {line["better"] for line in lines} == {"higher"}
    best = max(lines, key=lambda line: line["value"])
    kept = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert kept["gan_lightning"]["counters"]["iteration"] == best["iteration"] == callback.best_iteration
    assert callback.summary()["best"]["value"] == best["value"]
    assert float(trainer.callback_metrics["quality/averaged/ssim"]) == pytest.approx(lines[-1]["value"])
    assert callback.names()[0] == "quality/averaged/ssim"


@pytest.mark.parametrize("game", ["cyclegan", "cut"])
def test_games_without_partners_are_measured(game: str, tmp_path: Path) -> None:
    callback = quality(tmp_path, monitor="averaged/identity")
    translation.fit(translation.GAMES[game](), 2, callbacks=[callback])
    both = ["fid", "cycle", "identity"] if game == "cyclegan" else ["fid", "identity"]
    expected = {f"{name}{suffix}" for name in both for suffix in (("", "_b2a") if game == "cyclegan" else ("",))}
    assert set(callback.latest) == {f"{weights}/{name}" for weights in ("averaged", "raw") for name in expected}
    assert set(callback.names()) == {f"quality/{name}" for name in callback.latest}


def test_a_resumed_run_goes_on_with_the_number_of_the_second_direction(tmp_path: Path) -> None:
    files = Checkpoint(str(tmp_path), every_minutes=None)
    callback = quality(tmp_path, monitor="averaged/cycle_b2a")
    translation.fit(translation.cyclegan(), 2, callbacks=[callback, files])
    again = quality(tmp_path, monitor="averaged/cycle_b2a")
    stored = tmp_path / "checkpoints" / "last.ckpt"
    translation.fit(translation.cyclegan(), 4, callbacks=[again], checkpoint=stored)
    assert again.best is not None
    other = Quality(str(tmp_path), evaluator(n_fake=7), monitor="averaged/cycle_b2a", every_kimg=0.008, max_share=1)
    with pytest.raises(UserError, match="n_fake 20 and 7"):
        translation.fit(translation.cyclegan(), 6, callbacks=[other], checkpoint=stored)


@pytest.mark.parametrize(
    ("game", "options", "says"),
    [
        ("cyclegan", {"metrics": ["fid", "ssim"]}, "callbacks.quality: ssim can't be measured, because the held-out"),
        ("cut", {"monitor": "averaged/psnr"}, "callbacks.quality: psnr can't be measured, because the held-out"),
        ("pix2pix", {"monitor": "averaged/fid_b2a"}, "Pix2Pix has one direction, choose one of averaged/fid, "),
        ("pix2pix", {"metrics": ["sim"]}, r"no metric 'sim' for metrics=\[sim\]: there are fid, l1, psnr, ssim, cycle"),
        ("pix2pix", {"monitor": "averaged/ssim_a2b"}, "choose one of averaged/fid, averaged/l1"),
    ],
)
def test_what_can_not_be_had_is_refused_in_one_line(
    game: str, options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says) as caught:
        translation.fit(translation.GAMES[game](), 1, callbacks=[quality(tmp_path, **options)])
    assert "\n" not in str(caught.value)


def test_a_gan_has_no_ssim(tmp_path: Path) -> None:
    callback = quality(tmp_path)
    games.fit(games.game(), 1, callbacks=[callback])
    assert set(callback.latest) == {"averaged/fid", "raw/fid"}
    with pytest.raises(UserError, match="ssim can't be measured, because GAN draws images from latents"):
        games.fit(games.game(), 1, callbacks=[quality(tmp_path, monitor="averaged/ssim")])


def test_nothing_held_out_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"CUT is measured on held-out images, and there are no .*test_share=0.0"):
        translations("CUT", CUT.directions(), HeldOutNone(batch_size=4), evaluator(), 10)


def test_only_the_named_metrics_are_measured(tmp_path: Path) -> None:
    callback = quality(tmp_path, metrics=["ssim", "fid"], raw=False)
    translation.fit(translation.pix2pix(), 1, callbacks=[callback])
    assert set(callback.latest) == {"averaged/fid", "averaged/ssim"}
    assert Protocol.from_dict(callback.state_dict()["protocol"]).metric == "FrechetDistance()"
